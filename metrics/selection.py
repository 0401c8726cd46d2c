"""Teams that were picked in an unusual quarter come back by themselves (regression to the mean); that is no effect."""

from __future__ import annotations

from dataclasses import dataclass, replace

from metrics import gates, teams
from metrics.designs import Design
from metrics.finding import Finding
from metrics.panel import Rows
from metrics.question import Question

UNUSUAL_P, CERTAIN_P = 0.10, 0.01


@dataclass(frozen=True)
class Cleared:
    """The finding to tell, what to bear in mind, and what contradicts a verdict of change."""

    finding: Finding
    caveats: tuple[str, ...] = ()
    against: tuple[str, ...] = ()


def without_selection(question: Question, rows: Rows, design: Design, finding: Finding, level: float) -> Cleared:
    """The effect against the time before the quarter ahead of go-live, when that quarter was unusual.

    A screen at UNUSUAL_P: leaving the quarter out costs little when it was not needed. Where too little is left without
    it, a quarter that was certainly unusual (CERTAIN_P) contradicts the verdict.
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
    if found is None or found.weeks_before < gates.MIN_WEEKS_BEFORE or found.weeks_after < gates.MIN_WEEKS_AFTER:
        if quarter["p_value"] >= CERTAIN_P:
            return Cleared(finding)
        return Cleared(finding, (), (f"{said}, and there is too little before it to tell the change from a return.",))
    told = {"estimate": finding.theta, "low": finding.low, "high": finding.high}
    known = {**found.diagnostics, "quarter_before": quarter, "with_quarter_before": told}
    return Cleared(replace(found, diagnostics=known), (f"{said}; that quarter is left out.",))
