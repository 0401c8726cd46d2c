"""The rule templates: each looks at one KPI and says what it saw, what it expected, and how surprising that is."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import duckdb
import numpy as np

from crmlift.alerts import evidence, scoring
from crmlift.alerts.rules import Limits, Rule
from crmlift.alerts.seasonal import seasonal_signal


@dataclass(frozen=True)
class Night:
    """What all rules of one night share.

    incidents: kpi_id → spans of days not to compare with. fiscal_year_start: month the quarters are counted
    from.
    """

    connection: duckdb.DuckDBPyConnection
    as_of: datetime
    today: date
    timezone: str
    holidays: Container[date]
    limits: Limits
    incidents: Mapping[str, Sequence[evidence.Span]]
    fiscal_year_start: int = 1


@dataclass(frozen=True)
class Signal:
    """What a rule found about a KPI, bad or not.

    period_start, period_days: what was judged. threshold: the least change that fires, in `change`'s unit. change:
    how far in the bad direction, relative, in points or in z. n: units of the KPI in the period judged, whatever each
    weighs; cases that have not ended are among those of a duration. p_value: None for fixed levels, which need no test.
    top_contributor: team id.
    """

    rule: Rule
    period_start: date
    period_days: int
    observed: float | None
    expected: float
    change: float
    threshold: float
    n: int
    p_value: float | None
    is_large: bool
    severity: str
    top_contributor: str | None = None


def watch(night: Night, rule: Rule) -> Signal | None:
    """Score one KPI; None when there is too little mature data to say anything."""
    return TEMPLATES[rule.template](night, rule)


def _compare(night: Night, rule: Rule) -> tuple[evidence.Windows, evidence.Units] | None:
    weeks = evidence.mature_weeks(night.connection, rule.kpi_id)
    if not weeks:
        return None
    return evidence.newest_windows(
        night.connection, rule.kpi_id, last_week=weeks[-1][0], past=int(rule.param("k", 6)),
        min_n=rule.param("min_n", 30), timezone=night.timezone,
        incidents=night.incidents.get(rule.kpi_id, ()),
    )  # fmt: skip


def prop_drop(night: Night, rule: Rule) -> Signal | None:
    """A share against the pooled windows before it."""
    if (found := _compare(night, rule)) is None:
        return None
    windows, units = found
    past = [units.of(units.window == i) for i in range(1, windows.past + 1)]
    now = units.of(units.window == 0)
    test = scoring.two_proportions(
        float(now.num.sum()), float(now.den.sum()), [float(u.num.sum()) for u in past],
        [float(u.den.sum()) for u in past], rule.bad_sign,
    )  # fmt: skip
    if test is None or test.observed is None:
        return None
    change = rule.bad_sign * (test.observed - test.expected)
    worst = evidence.contributions(rule.bad_sign * (now.num - now.den * test.expected), now.team)
    return _signal(rule, windows, test, change, rule.param("min_abs", 0.05), int(now.observed.sum()), worst)


def mean_shift(night: Night, rule: Rule) -> Signal | None:
    """A mean against the windows before it: relative to the mean, or in points where the rule gives min_abs."""
    if (found := _compare(night, rule)) is None:
        return None
    windows, units = found
    factor = 100.0 if rule.stat_type == "nps" else 1.0
    values = factor * np.divide(units.num, units.den, out=np.zeros_like(units.num), where=units.den > 0)
    is_now = units.window == 0
    test = scoring.welch(values[is_now], values[~is_now], rule.bad_sign)
    if test is None or test.observed is None:
        return None
    change, threshold = rule.bad_sign * (test.observed - test.expected), rule.param("min_abs", 0.0)
    if threshold == 0:
        if test.expected == 0:
            return None
        change, threshold = change / abs(test.expected), rule.param("min_rel", 0.10)
    worst = evidence.contributions(rule.bad_sign * (values[is_now] - test.expected), units.team[is_now])
    return _signal(rule, windows, test, change, threshold, int(units.observed[is_now].sum()), worst)


def dur_up(night: Night, rule: Rule) -> Signal | None:
    """Times until something is done, censored ones included, when the newest cases take longer."""
    if (found := _compare(night, rule)) is None:
        return None
    windows, units = found
    now, past = units.of(units.window == 0), units.of(units.window > 0)
    test = scoring.slower(now.num, now.observed, past.num, past.observed)
    if test is None or test.expected <= 0:
        return None
    change = np.inf if test.observed is None else test.observed / test.expected - 1
    slow = scoring.martingale(now.num, now.observed, past.num, past.observed)
    worst = evidence.contributions(slow, now.team)
    return _signal(rule, windows, test, float(change), rule.param("min_rel", 0.15), len(now.num), worst)


def level(night: Night, rule: Rule) -> Signal | None:
    """A value beyond a fixed line for so many weeks running."""
    needed = int(rule.param("consecutive", 1))
    weeks = evidence.mature_weeks(night.connection, rule.kpi_id)[-needed:]
    if len(weeks) < needed:
        return None
    sign, warn, crit = rule.bad_sign, rule.params["warn"], rule.params["crit"]
    mildest = min(sign * value for _, value, _ in weeks)
    is_critical = mildest >= sign * crit
    monday, newest, n = weeks[-1]
    return Signal(
        rule, monday, 7, newest, warn, sign * (newest - warn), 0.0, n, None,
        mildest >= sign * warn, "critical" if is_critical else "warning",
    )  # fmt: skip


def sum_seasonal(night: Night, rule: Rule) -> Signal | None:
    """A sum against comparable days or weeks."""
    before = night.today - timedelta(days=evidence.maturity_days(night.connection, rule.kpi_id))
    spans = night.incidents.get(rule.kpi_id, ())
    found = seasonal_signal(
        lambda grain, end: evidence.sums(
            night.connection, rule.kpi_id, grain=grain, before=end, timezone=night.timezone
        ),
        before=before, free=night.holidays, limits=night.limits, bad_sign=rule.bad_sign,
        is_stock=rule.stat_type.startswith("snapshot"), fiscal_year_start=night.fiscal_year_start,
        excluded=lambda day: evidence.touches(day, day + timedelta(days=1), spans),
    )  # fmt: skip
    if found is None:
        return None
    threshold = rule.param("z", 3.0)
    return Signal(
        rule, found.start, found.days, found.observed, found.expected, found.z, threshold, found.events, found.p_value,
        found.z >= threshold and rule.bad_sign * (found.observed - found.expected) > 0,
        "critical" if found.z >= 2 * threshold else "warning",
        _seasonal_contributor(night, rule, found.start, found.days),
    )  # fmt: skip


def _seasonal_contributor(night: Night, rule: Rule, start: date, days: int) -> str | None:
    """The team that lacks most against its own mean of the eight stretches of the same length before."""
    rows = night.connection.execute(
        "select team_id, sum(num) filter (where day >= $start), sum(num) filter (where day < $start) from "
        "(select team_id, num, (event_at at time zone $zone)::date as day from metrics.kpi_unit where kpi_id = $kpi) "
        "where day >= $start::date - 8 * $days and day < $start::date + $days and team_id is not null group by team_id",
        {"start": start, "days": days, "zone": night.timezone, "kpi": rule.kpi_id},
    ).fetchall()
    gaps = [rule.bad_sign * ((now or 0.0) - (past or 0.0) / 8) for _, now, past in rows]
    return evidence.contributions(gaps, np.array([team for team, _, _ in rows], dtype=object))


def _signal(
    rule: Rule,
    windows: evidence.Windows,
    test: scoring.Test,
    change: float,
    threshold: float,
    n: int,
    worst: str | None,
) -> Signal:
    severity = "critical" if change >= 2 * threshold else "warning"
    return Signal(
        rule, windows.start, 7 * windows.weeks, test.observed, test.expected, change, threshold, n, test.p_value,
        change >= threshold, severity, worst,
    )  # fmt: skip


def fires(signals: Sequence[Signal], false_discovery_rate: float) -> list[bool]:
    """Which signals are alerts: large enough, and a discovery among the night's tests (levels need no test)."""
    tested = [i for i, signal in enumerate(signals) if signal.p_value is not None]
    verdicts = scoring.rejected([float(signals[i].p_value or 0.0) for i in tested], false_discovery_rate)
    discovered = dict(zip(tested, verdicts, strict=True))
    return [signal.is_large and discovered.get(i, True) for i, signal in enumerate(signals)]


TEMPLATES: dict[str, Callable[[Night, Rule], Signal | None]] = {
    "prop_drop": prop_drop,
    "mean_shift": mean_shift,
    "dur_up": dur_up,
    "level": level,
    "sum_seasonal": sum_seasonal,
}
