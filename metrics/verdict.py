"""From a question to a verdict: look, gates, design, estimate, checks, and the rule that turns them into a word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from metrics import designs, gates, looks, mix, one_date, synthetic, teams
from metrics.checks import check_effect
from metrics.designs import Design
from metrics.finding import Finding
from metrics.looks import Look
from metrics.naive import naive_change
from metrics.panel import Rows, in_order, select
from metrics.question import Question, Verdict, VerdictWord
from metrics.recording import since_recorded
from metrics.selection import without_selection

NOT_ENOUGH, TOO_NOISY = "not_enough_data", "too_noisy"
DISAGREE, PROVISIONAL = "diagnostics_disagree", "provisional"


@dataclass(frozen=True)
class Case:
    """All that is known when the word is chosen. bars: Gate 0. lacking: Gate 1. against: checks that contradict."""

    question: Question
    look: Look
    design: Design
    finding: Finding | None = None
    bars: tuple[gates.Bar, ...] = ()
    lacking: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()
    diagnostics: Mapping[str, Any] = field(default_factory=dict)


def judge(question: Question, wanted: str = "auto") -> Verdict:
    """The verdict at a look: `auto` (the newest frozen look reached, else provisional), `13w`, `26w`, `52w`,
    `provisional`; with alpha_policy `single` always the one planned look.

    Raises ValueError when a frozen look lies ahead of as_of.
    """
    look, question = looks.choose(question, wanted), in_order(question)
    if len(question.at) == 0:
        design = Design("none", False)
        return _written(Case(question, look, design, lacking=("There are no records at all.",)))
    question, notes = since_recorded(question)
    rows = select(question, look.end)
    design = designs.choose(question)
    bars = tuple(gates.comparability(question, rows))
    case = Case(question, look, design, bars=bars, caveats=(*notes, *design.caveats))
    if len(rows.day) == 0:
        return _written(replace(case, lacking=("No record is old enough to have its outcome yet.",)))
    case = replace(case, diagnostics={"design": design.name, **naive_change(question, look.end)})
    if design.name == "none":
        return _written(replace(case, lacking=design.caveats, caveats=()))
    return _written(_examined(case, rows))


def _examined(case: Case, rows: Rows) -> Case:
    """The case with its estimate and everything the checks have to say."""
    look = case.look
    level = 1 - look.alpha
    case, rows = _at_constant_mix(_measured(case, rows, level), rows, level)
    case = _without_selection(case, rows, level)
    question = case.question
    measured, design = case.finding, case.design
    if measured is None:
        return case
    checked = check_effect(question, rows, look, design, measured)
    found = (gates.restless(checked.diagnostics.get("placebo", {})), gates.hardly_recorded(question, measured))
    notes = (question.exposure_note,) if question.exposure_note else ()
    return replace(
        case,
        bars=case.bars + tuple(bar for bar in found if bar is not None),
        against=case.against + checked.against,
        caveats=(*case.caveats, *measured.caveats, *checked.caveats, *notes),
        diagnostics={
            **case.diagnostics, "interval_level": round(level, 6), **measured.diagnostics, **checked.diagnostics,
            "theta": measured.theta, "theta_error": measured.error, "theta_df": measured.df,
            "theta_low": measured.low, "theta_high": measured.high, "alpha": look.alpha,
            "is_multiplicative": measured.multiplicative, "horizon_days": rows.horizon_days,
        },
    )  # fmt: skip


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


def _measured(case: Case, rows: Rows, level: float) -> Case:
    """The case with its estimate and what Gate 1 has against it.

    When all teams went live so close together that none is left to compare with, the company's own history must do.
    """
    question = case.question
    if synthetic.applies(question, case.design):
        found = synthetic.measure(question, rows, case.design, level)
        if found is not None:
            return replace(case, finding=found, lacking=tuple(gates.amount(question, found)))
    if case.design.is_controlled:
        found = teams.measure(question, rows, case.design, level)
        lacking = (*gates.amount(question, found), *_too_few(case))
        if found is not None and found.weeks_after >= gates.MIN_WEEKS_AFTER:
            return replace(case, finding=found, lacking=lacking)
        alone = replace(case.design, name="one_date", is_controlled=False, is_randomised=False)
        own = one_date.measure(question, rows, level)
        if own is None or gates.amount(question, own):
            return replace(case, finding=found, lacking=lacking)
        words = "All teams went live too close together to compare them; judged by the company's own history instead."
        known = {**case.diagnostics, "design": alone.name}
        return replace(case, design=alone, finding=own, caveats=(*case.caveats, words), diagnostics=known)
    found = one_date.measure(question, rows, level)
    return replace(case, finding=found, lacking=(*gates.amount(question, found), *_too_few(case)))


def _too_few(case: Case) -> tuple[str, ...]:
    """With fewer than five treated teams among several, chance in one team can pass for an effect."""
    question = case.question
    asked = question.go_live if question.focus is None else question.go_live[question.focus]
    treated = int((~np.isnat(asked)).sum())
    if case.design.is_controlled and treated < designs.FEW_TEAMS:
        return (f"Only {treated} teams went live; {designs.FEW_TEAMS} are needed to tell teams from chance.",)
    if not case.design.is_controlled and case.design.caveats:
        return case.design.caveats
    return ()


def decide(case: Case) -> tuple[VerdictWord, str | None]:
    """The word and its reason: the gates first, then the rule for what remains."""
    if case.bars:
        return "not_comparable", case.bars[0].code
    if case.finding is None or case.lacking:
        return "inconclusive", NOT_ENOUGH
    if case.look.name == looks.PROVISIONAL:
        return "inconclusive", PROVISIONAL
    return read(case.question, case.finding, bool(case.against))


def read(question: Question, finding: Finding, is_contradicted: bool) -> tuple[VerdictWord, str | None]:
    """What the interval says, unless a check contradicts."""
    important = question.min_important_change
    if finding.low > 0 or finding.high < 0:
        if is_contradicted:
            return "inconclusive", DISAGREE
        return ("improved" if (finding.theta > 0) == (question.better == "higher") else "worsened"), None
    if important is not None and is_inside(finding, important, question.kind):
        return "no_material_change", None
    return "inconclusive", TOO_NOISY


def is_inside(finding: Finding, important: float, kind: str) -> bool:
    """Whether the whole interval lies within ± the smallest change that matters (nps: × 100 points)."""
    if kind == "nps":
        return -100 * important < finding.low and finding.high < 100 * important
    low, high = finding.relative(finding.low), finding.relative(finding.high)
    return low is not None and high is not None and -important < low and high < important


def _written(case: Case) -> Verdict:
    """The verdict as it is published: values that are not known are None."""
    word, reason = decide(case)
    said = [bar.words for bar in case.bars] + list(case.lacking) + list(case.against) + list(case.caveats)
    verdict = Verdict(
        method="none", look=case.look.name, verdict=word, reason=reason, caveats=tuple(dict.fromkeys(said)),
        min_important_change=case.question.min_important_change, diagnostics=plain(case.diagnostics),
    )  # fmt: skip
    finding = case.finding
    if finding is None:
        return verdict
    spans = {name: getattr(finding, name) for name in ("pre_start", "pre_end", "post_start", "post_end")}
    verdict = replace(verdict, method=finding.method, n_pre=finding.n_pre, n_post=finding.n_post, **spans)
    return published(verdict, finding, case.look.alpha)


def published(verdict: Verdict, finding: Finding, alpha: float) -> Verdict:
    """The verdict with the finding's numbers; what is not known is None."""
    numbers = {
        "pre_value": finding.pre_value,
        "post_value": finding.post_value,
        "counterfactual_value": finding.counterfactual(),
        "effect": finding.change(finding.theta),
        "effect_ci_low": finding.change(finding.low),
        "effect_ci_high": finding.change(finding.high),
        "effect_rel": finding.relative(finding.theta),
        "effect_rel_ci_low": finding.relative(finding.low),
        "effect_rel_ci_high": finding.relative(finding.high),
        "p_value": finding.p_value,
        "mde80": finding.smallest_detectable(alpha),
    }
    known: dict[str, Any] = {name: _known(value) for name, value in numbers.items()}
    return replace(verdict, **known)


def _known(value: float | None) -> float | None:
    """A finite number or None."""
    return float(value) if value is not None and np.isfinite(value) else None


def plain(value: Any) -> Any:
    """JSON-able: numpy scalars to Python's, what is not finite to None."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return _known(float(value))
    return value
