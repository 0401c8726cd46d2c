"""Verdicts, reasons and headlines in words, claiming no more than the design allows (an effect, or only a change)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from crmlift.report.catalogue import Texts
from crmlift.report.numbers import NBSP, UNKNOWN, interval, is_known, percent, plain
from crmlift.report.verdicts import ScorecardRow

SIGNS = {
    "improved": "✓",
    "worsened": "✗",
    "no_material_change": "=",
    "inconclusive": "?",
    "not_comparable": "–",
}


@dataclass(frozen=True)
class Headline:
    """The answer in one sentence, the counts behind it, what a plain comparison would claim, how it was compared."""

    answer: str
    counts: str
    naive: str
    basis: str


def change_text(value: float | None, row: ScorecardRow, locale: str) -> str:
    """A change of this KPI: "+11.8 %", or "−15.3" points for scores."""
    if not row.is_in_points:
        return percent(value, locale)
    return f"{'' if value < 0 else '+'}{plain(value, 1, locale)}" if is_known(value) else UNKNOWN


def interval_text(row: ScorecardRow, locale: str, *, gap: str = NBSP) -> str:
    """The interval of the shown change."""
    low, high = row.change_interval
    if not row.is_in_points:
        return interval(low, high, locale, gap=gap)
    if not (is_known(low) and is_known(high)):
        return UNKNOWN
    return f"{change_text(low, row, locale)}{gap}…{gap}{change_text(high, row, locale)}"


def verdict_word(row: ScorecardRow, texts: Texts) -> str:
    """The verdict alone. Designs without controls only ever say "beyond its own history"."""
    if row.verdict in ("improved", "worsened") and not row.is_controlled:
        return texts(f"verdict.{row.verdict}_uncontrolled")
    return texts.or_plain("verdict", row.verdict)


def reason_words(row: ScorecardRow, texts: Texts) -> str:
    """Why there is no verdict; empty when there is one or no reason is given."""
    if row.verdict not in ("inconclusive", "not_comparable") or not row.reason:
        return ""
    if row.reason == "too_noisy":
        if is_known(row.mde80):
            return texts("reason.too_noisy", mde=percent(row.mde80, texts.locale, signed=False, digits=0))
        return texts("reason.too_noisy_plain")
    return texts.or_plain("reason", row.reason)


def verdict_words(row: ScorecardRow, texts: Texts) -> str:
    """Verdict and reason: "cannot tell yet: too noisy; would need a change of ≥ 12 %"."""
    return ": ".join(filter(None, [verdict_word(row, texts), reason_words(row, texts)]))


def caveat_words(row: ScorecardRow, texts: Texts) -> list[str]:
    """The row's caveats as sentences of the page's language; one nobody translated stays in English."""
    words = [texts.sentence(caveat) for caveat in row.caveats]
    return list(dict.fromkeys(word[:1].upper() + word[1:] for word in words if word))


def headline(rows: Sequence[ScorecardRow], texts: Texts) -> Headline:
    """What can be said of the goal KPIs of one rollout (of all KPIs when no goals were declared)."""
    goals = [row for row in rows if row.is_goal] or list(rows)
    if not goals:
        return Headline(texts("headline.no_verdicts"), "", "", "")
    count = Counter(row.verdict for row in goals)
    answer = _answer(goals, count, texts)
    rest = [v for v in ("improved", "worsened", "no_material_change", "inconclusive", "not_comparable") if count[v]]
    if count["improved"]:
        rest = rest[1:]
    counts = ", ".join(texts(f"headline.part.{v}", n=count[v]) for v in rest)
    if not any(row.is_goal for row in goals):
        counts = ". ".join(filter(None, [counts, texts("headline.no_goals", total=len(goals))]))
    return Headline(answer, counts, _naive(goals, texts), _basis(goals, texts))


def _answer(goals: Sequence[ScorecardRow], count: Counter[str], texts: Texts) -> str:
    what = texts("headline.what.goals" if goals[0].is_goal else "headline.what.all")
    improved = [row for row in goals if row.verdict == "improved"]
    if improved:
        kind = "controlled" if all(row.is_controlled for row in improved) else "uncontrolled"
        n = len(improved)
        return texts(f"headline.improved.{kind}", n=n, improved=n, total=len(goals), what=what)
    if count["worsened"] + count["no_material_change"] == 0:
        return texts("headline.undecided")
    return texts("headline.nothing", total=len(goals), what=what)


def _naive(goals: Sequence[ScorecardRow], texts: Texts) -> str:
    """How many improvements plain subtraction claims; said only when it differs from the verdicts."""
    claims = 0
    for row in goals:
        if is_known(row.naive_change):
            gain = -row.naive_change if row.direction == "lower" else row.naive_change
            claims += gain > (row.important_change or 0.0)
    improved = sum(row.verdict == "improved" for row in goals)
    return texts("headline.naive", n=claims) if claims != improved else ""


def _basis(goals: Sequence[ScorecardRow], texts: Texts) -> str:
    judged = [row for row in goals if is_known(row.change)]
    if not judged:
        return ""
    controlled = sum(row.is_controlled for row in judged)
    kind = "controlled" if controlled == len(judged) else "mixed" if controlled else "uncontrolled"
    return texts(f"headline.{kind}")
