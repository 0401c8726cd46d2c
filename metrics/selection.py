"""Teams that were picked in an unusual quarter come back by themselves (regression to the mean); that is no effect."""

from __future__ import annotations

from dataclasses import dataclass, replace

from metrics import gates, teams
from metrics.designs import Design
from metrics.finding import Finding, Unmeasured
from metrics.panel import Rows
from metrics.question import Question

UNUSUAL_P, TOLD_P, CERTAIN_P = 0.20, 0.05, 0.01


@dataclass(frozen=True)
class Cleared:
    """The finding to tell, what to bear in mind, and what contradicts a verdict of change."""

    finding: Finding
    caveats: tuple[str, ...] = ()
    against: tuple[str, ...] = ()


def without_selection(question: Question, rows: Rows, design: Design, finding: Finding, level: float) -> Cleared:
    """The effect against the time before the quarter ahead of go-live, when that quarter was unusual (p < UNUSUAL_P).

    Its interval spans those with and without the quarter: chosen after a look at the data, neither alone holds what it
    promises. Where too little is left without it, a quarter that was certainly unusual (CERTAIN_P) contradicts the
    verdict. Told where p < TOLD_P.
    """
    quarter = teams.quarter_before(question, rows, design)
    figures = {**finding.diagnostics, "quarter_before": quarter}
    finding = replace(finding, diagnostics=figures)
    if quarter is None or quarter["p_value"] >= UNUSUAL_P:
        return Cleared(finding)
    how = "well" if (quarter["estimate"] > 0) == (question.better == "higher") else "badly"
    said = f"In the quarter before their go-live these teams did unusually {how}"
    earlier = replace(rows, exposed_days=rows.exposed_days + teams.QUARTER_DAYS)
    found = teams.measure(question, earlier, design, level)
    if (
        isinstance(found, Unmeasured)
        or found.weeks_before < gates.MIN_WEEKS_BEFORE
        or found.weeks_after < gates.MIN_WEEKS_AFTER
    ):
        if quarter["p_value"] >= CERTAIN_P:
            return Cleared(finding)
        return Cleared(finding, (), (f"{said}, and there is too little before it to tell the change from a return.",))
    told = {"estimate": finding.theta, "low": finding.low, "high": finding.high}
    spanned = replace(
        found, low=min(found.low, finding.low), high=max(found.high, finding.high),
        error=max(found.error, finding.error), p_value=max(found.p_value, finding.p_value),
        diagnostics={**found.diagnostics, "quarter_before": quarter, "with_quarter_before": told},
    )  # fmt: skip
    words = f"{said}; the interval allows for a return to normal."
    return Cleared(spanned, (words,) if quarter["p_value"] < TOLD_P else ())
