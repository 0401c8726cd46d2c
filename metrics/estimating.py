"""The estimate of a case: by the best method its design allows, at an unchanged mix, free of selection."""

from __future__ import annotations

from dataclasses import replace

from metrics import gates, mix, one_date, path, regression, synthetic, teams, zero_after
from metrics.case import Case
from metrics.designs import FEW_TEAMS, Design
from metrics.finding import NOTHING_LEFT, Finding, Unmeasured
from metrics.line import line_of
from metrics.panel import Rows, select
from metrics.question import Question
from metrics.selection import without_selection


def estimated(case: Case, rows: Rows, level: float) -> tuple[Case, Rows]:
    """The case with its finding, and the rows it rests on."""
    case, rows = _at_constant_mix(_measured(case, rows, level), rows, level)
    return _with_path(_without_selection(case, rows, level), rows, level), rows


def _measured(case: Case, rows: Rows, level: float) -> Case:
    """The case with its estimate and what Gate 1 has against it.

    When all teams went live so close together that none is left to compare with, the company's own history must do.
    """
    question = case.question
    if synthetic.applies(question, case.design):
        found = synthetic.measure(question, rows, case.design, level)
        if found is not None:
            return _gated(case, rows, found)
    if not case.design.is_controlled:
        return _gated(case, rows, _of_series(question, rows, level))
    among = _of_teams(question, rows, case.design, level)
    if isinstance(among, Finding) and among.weeks_after >= gates.MIN_WEEKS_AFTER:
        return _gated(case, rows, among)
    own = _of_series(question, rows, level)
    if isinstance(own, Unmeasured) or gates.amount(question, own, rows):
        return _gated(case, rows, among)
    alone = replace(case.design, name="one_date", is_controlled=False, is_randomised=False)
    words = "Too few teams were untouched for long enough to compare with; judged by the company's own history instead."
    known = {**case.diagnostics, "design": alone.name}
    return replace(case, design=alone, finding=own, lacking=(), caveats=(*case.caveats, words), diagnostics=known)


def _of_series(question: Question, rows: Rows, level: float) -> Finding | Unmeasured:
    found = one_date.measure(question, rows, level)
    if isinstance(found, Unmeasured) and found.code == NOTHING_LEFT:
        return zero_after.of_line(question, rows, line_of(question, rows), level)
    return found


def _of_teams(question: Question, rows: Rows, design: Design, level: float) -> Finding | Unmeasured:
    found = teams.measure(question, rows, design, level)
    if isinstance(found, Unmeasured) and found.code == NOTHING_LEFT:
        return zero_after.of_teams(question, rows, design, level)
    return found


def _gated(case: Case, rows: Rows, found: Finding | Unmeasured) -> Case:
    """The case with a finding, or the reason why there is none, and all that is too little."""
    lacking = (*gates.amount(case.question, found, rows), *_too_few(case, found))
    if isinstance(found, Unmeasured):
        known = {**case.diagnostics, "unmeasured": found.code}
        return replace(case, finding=None, lacking=lacking, diagnostics=known)
    return replace(case, finding=found, lacking=lacking)


def _too_few(case: Case, found: Finding | Unmeasured) -> tuple[str, ...]:
    """With fewer than five teams whose time after can be used, chance in one of them can pass for an effect."""
    if case.design.is_controlled and isinstance(found, Finding) and found.method != synthetic.METHOD:
        treated = int(found.diagnostics["teams_treated"])
        if treated < FEW_TEAMS:
            return (f"Only {treated} teams went live; {FEW_TEAMS} are needed to tell teams from chance.",)
    return () if case.design.is_controlled else case.design.caveats


def _at_constant_mix(case: Case, rows: Rows, level: float) -> tuple[Case, Rows]:
    """The case with the effect within segments, and its rows, when the mix of segments shifted; else as it was.

    Both being sure of opposite signs leaves nothing to headline (Simpson's paradox).
    """
    found, raw = mix.shifts(case.question, rows), case.finding
    if not found or raw is None:
        return case, rows
    top = found[0]
    figures = {
        each.name: {"index": each.index, "within": each.within, "mix": each.mix, "segments": list(each.table)}
        for each in found
    }
    case = replace(case, diagnostics={**case.diagnostics, "mix": figures})
    if top.index < mix.SHIFTED:
        return case, rows
    held = replace(case.question, held=top.name)
    weighted = select(held, case.look.end)
    within = _measured(replace(case, question=held, finding=None, lacking=()), weighted, level)
    if within.finding is None:
        return case, rows
    words = f"The mix by {top.name} shifted; the change is told at the mix of the time before."
    opposed = min(raw.high, within.finding.high) < 0 < max(raw.low, within.finding.low)
    against = ("Within its segments the figure moved one way, as a whole the other.",) if opposed else ()
    told = {"held": top.name, "raw_estimate": raw.theta, "raw_low": raw.low, "raw_high": raw.high}
    diagnostics = {**within.diagnostics, "mix_held": told}
    share = {**within.finding.diagnostics, "mix_share": top.mix * (100.0 if held.kind == "nps" else 1.0)}
    within = replace(within, finding=replace(within.finding, diagnostics=share))
    return replace(within, caveats=(*within.caveats, words), against=against, diagnostics=diagnostics), weighted


def _without_selection(case: Case, rows: Rows, level: float) -> Case:
    """The case with the quarter before go-live left out of its finding, when that quarter was unusual."""
    finding = case.finding
    if finding is None or not case.design.is_controlled or not finding.method.startswith("imputation"):
        return case
    cleared = without_selection(case.question, rows, case.design, finding, level)
    return replace(
        case, finding=cleared.finding, against=case.against + cleared.against, caveats=(*case.caveats, *cleared.caveats)
    )


def _with_path(case: Case, rows: Rows, level: float) -> Case:
    """The case of one series with how its effect went since the go-live (of teams: `checks.py`)."""
    finding = case.finding
    if finding is None or case.design.is_controlled or not finding.has_path:
        return case
    made = regression.regression(case.question, rows)
    assert not isinstance(made, Unmeasured)
    is_wary = "with_weeks_before" in finding.diagnostics
    return replace(case, finding=path.with_path(finding, path.of_series(made, level, is_wary=is_wary)))
