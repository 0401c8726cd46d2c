"""What an alert says: what dropped, against what, how sure, whose part is largest, where to look. No personal data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from crmlift.alerts.muting import Mute
from crmlift.alerts.watch import Signal
from crmlift.report.catalogue import Texts
from crmlift.report.numbers import day, is_known, percent, plain, points, scale_for
from crmlift.report.reading import Kpi

SMALLEST_P = 0.0001


@dataclass(frozen=True)
class Message:
    """A message in words. reason: the one sentence that tables and the report show."""

    subject: str
    reason: str
    body: str


@dataclass(frozen=True)
class Writer:
    """The words of one night: language, currency, names of KPIs and teams."""

    texts: Texts
    currency: str
    kpis: Mapping[str, Kpi]
    teams: Mapping[str, str]

    def team(self, team_id: str | None) -> str | None:
        """A team's name."""
        return None if team_id is None else self.teams.get(team_id, team_id)

    def muted(self, mute: Mute) -> str:
        """Why a KPI was not scored."""
        return self.texts(f"alert.muted.{mute.cause}", detail=mute.detail.replace("_", " "))

    def message(self, signal: Signal) -> Message:
        """Subject, reason and body of an incident."""
        t, rule = self.texts, signal.rule
        kpi = self.kpis.get(rule.kpi_id)
        name = kpi.name(t.locale) if kpi else rule.kpi_id
        scale = scale_for(
            (kpi.unit if kpi else "") or "", (signal.observed, signal.expected), currency=self.currency, locale=t.locale
        )  # fmt: skip
        observed = (
            scale(signal.observed) if is_known(signal.observed) else t("alert.over", value=scale(signal.expected))
        )
        verb = t("alert.rose" if rule.bad_sign > 0 else "alert.fell")
        subject = t("alert.subject", name=name, verb=verb, observed=observed, expected=scale(signal.expected))
        reason = t(f"alert.reason.{rule.template}", change=self._change(signal), **self._numbers(signal))
        last = signal.period_start + timedelta(days=signal.period_days - 1)
        period = day(signal.period_start, t.locale)
        if last > signal.period_start:
            period = f"{period} – {day(last, t.locale)}"
        contributor = self.team(signal.top_contributor)
        lines = [
            t("alert.body.what", name=name, period=period, observed=observed, expected=scale(signal.expected)),
            reason,
            t("alert.body.n", n=signal.n, count=plain(signal.n, 0, t.locale)),
            t("alert.body.top", team=contributor) if contributor else "",
            t("alert.body.next", kpi_id=rule.kpi_id),
        ]
        return Message(subject, reason, "\n".join(filter(None, lines)))

    def _numbers(self, signal: Signal) -> dict[str, str]:
        locale = self.texts.locale
        chance = ""
        if signal.p_value is not None:
            is_tiny = signal.p_value < SMALLEST_P
            figure = plain(max(signal.p_value, SMALLEST_P), 4, locale)
            chance = f"p < {figure}" if is_tiny else f"p = {figure}"
        return {"k": plain(signal.rule.param("k", 6), 0, locale), "z": plain(signal.change, 1, locale) if
                is_known(signal.change) else "", "chance": chance}  # fmt: skip

    def _change(self, signal: Signal) -> str:
        if signal.observed is None or not signal.expected:
            return self.texts("alert.unknown_change")
        if signal.rule.stat_type == "proportion":
            return points(signal.observed - signal.expected, self.texts.locale)
        return percent(signal.observed / signal.expected - 1, self.texts.locale)
