"""From a question to a verdict: look, gates, design, estimate, checks, and the rule that turns them into a word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from metrics import designs, gates, looks, path
from metrics.case import Case
from metrics.checks import check_effect
from metrics.designs import Design
from metrics.estimating import estimated
from metrics.explained import explained
from metrics.finding import NEAR_ZERO, Finding, Path
from metrics.naive import naive_change
from metrics.panel import Rows, in_order, select
from metrics.presence import dropouts
from metrics.question import Question, Verdict, VerdictWord
from metrics.recording import since_recorded

NOT_ENOUGH, TOO_NOISY = "not_enough_data", "too_noisy"
DISAGREE, PROVISIONAL = "diagnostics_disagree", "provisional"
FLAT, FADED, REVERSED, MOVING = "no_variation", "effect_faded", "effect_reversed", "effect_moving"


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
    question, planned = designs.as_known(question, look.end)
    rows = select(question, look.end)
    design = designs.choose(question, look.end)
    bars = tuple(gates.comparability(question, rows))
    told, figures = apart(question, rows, planned)
    case = Case(question, look, design, bars=bars, caveats=(*notes, *told, *design.caveats), diagnostics=figures)
    if len(rows.day) == 0:
        return _written(replace(case, lacking=("No record is old enough to have its outcome yet.",)))
    case = replace(case, diagnostics={"design": design.name, **figures, **naive_change(question, look.end)})
    if design.name == "none":
        return _written(replace(case, lacking=design.caveats, caveats=()))
    return _written(_examined(case, rows))


def _examined(case: Case, rows: Rows) -> Case:
    """The case with its estimate and everything the checks have to say."""
    look = case.look
    level = 1 - look.alpha
    case, rows = estimated(case, rows, level)
    question = case.question
    measured, design = case.finding, case.design
    if measured is None:
        return case
    checked = check_effect(question, rows, look, design, measured)
    measured = path.with_path(measured, checked.path)
    bars = (gates.restless(checked.diagnostics.get("placebo", {})), gates.hardly_recorded(question, measured))
    notes = ((question.exposure_note,) if question.exposure_note else ()) + _doubt(measured)
    if measured.is_base_near_zero:
        known = {name: value for name, value in case.diagnostics.items() if name != "naive_change_rel"}
        case = replace(case, diagnostics={**known, "naive_reason": NEAR_ZERO})
    return replace(
        case,
        finding=measured,
        bars=case.bars + tuple(bar for bar in bars if bar is not None),
        against=case.against + checked.against,
        caveats=(*_reservations(question, measured), *case.caveats, *measured.caveats, *checked.caveats, *notes),
        diagnostics={
            **case.diagnostics, "interval_level": round(level, 6), **measured.diagnostics, **checked.diagnostics,
            "naive_explained": explained(
                question, rows, measured, case.diagnostics, is_controlled=design.is_controlled
            ),
            "theta": measured.theta, "theta_error": measured.error, "theta_df": measured.df,
            "theta_low": measured.low, "theta_high": measured.high, "alpha": look.alpha,
            "is_multiplicative": measured.multiplicative, "horizon_days": rows.horizon_days, "limits": measured.limits,
        },
    )  # fmt: skip


def _reservations(question: Question, finding: Finding) -> tuple[str, ...]:
    """What the published figures cannot say, and what they say only of a part of the time."""
    words = []
    if finding.path is not None and finding.path.moves:
        words.append(path.words(finding, finding.path))
    if finding.is_base_near_zero and question.kind != "nps":
        words.append(
            "What was to be expected cannot be told from zero, so the change is told in the figure's own unit."
        )
        if question.min_important_change is not None:
            words.append("A smallest change that matters, given as a share, cannot be applied to a base near zero.")
    return tuple(words)


def _doubt(finding: Finding) -> tuple[str, ...]:
    """That a sure effect, steady as far as can be told, is not sure in its last third alone."""
    steady = finding.path is not None and not finding.path.moves
    if not steady or finding.path is None or finding.path.late.is_sure or finding.low <= 0 <= finding.high:
        return ()
    return (path.last_words(finding, finding.path),)


def decide(case: Case) -> tuple[VerdictWord, str | None]:
    """The word and its reason: the gates first, then the rule for what remains."""
    if case.bars:
        return "not_comparable", case.bars[0].code
    if case.finding is None or case.lacking:
        return "inconclusive", NOT_ENOUGH
    if case.look.name == looks.PROVISIONAL:
        return "inconclusive", PROVISIONAL
    return read(case.question, case.finding, bool(case.against))


def apart(question: Question, rows: Rows, planned: int) -> tuple[tuple[str, ...], dict[str, Any]]:
    """What is left out or set apart before anything is estimated, in words and figures."""
    words, figures = dropouts(question, rows.presence)
    if rows.negative:
        words += (f"{rows.negative} cases that end before they begin were left out.",)
        figures["negative_durations"] = rows.negative
    if planned:
        figures["teams_planned"] = planned
    return words, figures


def read(question: Question, finding: Finding, is_contradicted: bool) -> tuple[VerdictWord, str | None]:
    """What the interval says, unless a check contradicts or the effect is another by now.

    An average says nothing of an effect that moved: where its last third cannot be told from none, or is sure of the
    opposite sign, there is no lasting change to headline; nor is it immaterial unless its last third is, too.
    """
    important = question.min_important_change
    moved = finding.path if finding.path is not None and finding.path.moves else None
    if finding.is_flat:
        return ("inconclusive", FLAT) if important is None else ("no_material_change", None)
    if finding.low > 0 or finding.high < 0:
        doubt = DISAGREE if is_contradicted else _passed(finding, moved)
        if doubt is not None:
            return "inconclusive", doubt
        return ("improved" if (finding.theta > 0) == (question.better == "higher") else "worsened"), None
    if important is None or not is_inside(finding, important, question.kind):
        return "inconclusive", TOO_NOISY
    is_same = moved is None or is_inside(path.at_last(finding, moved), important, question.kind)
    return ("no_material_change", None) if is_same else ("inconclusive", MOVING)


def _passed(finding: Finding, moved: Path | None) -> str | None:
    """Why an effect that moved is no lasting change; None when it is."""
    if moved is None or (moved.late.is_sure and moved.late.theta * finding.theta > 0):
        return None
    return REVERSED if moved.late.is_sure else FADED


def is_inside(finding: Finding, important: float, kind: str) -> bool:
    """Whether the whole interval lies within ± the smallest change that matters (nps: × 100 points)."""
    if kind == "nps":
        return -100 * important < finding.low and finding.high < 100 * important
    low, high = finding.relative_ends()
    return low is not None and high is not None and -important < low and high < important


def _written(case: Case) -> Verdict:
    """The verdict as it is published: values that are not known are None."""
    word, reason = decide(case)
    said = [bar.words for bar in case.bars] + list(case.lacking) + list(case.against) + list(case.caveats)
    verdict = Verdict(
        method="none", look=case.look.name, verdict=word, reason=reason, caveats=tuple(dict.fromkeys(said)),
        min_important_change=case.question.min_important_change,
        diagnostics=plain({**case.diagnostics, "better": case.question.better}),
    )  # fmt: skip
    finding = case.finding
    if finding is None:
        return verdict
    spans = {name: getattr(finding, name) for name in ("pre_start", "pre_end", "post_start", "post_end")}
    verdict = replace(verdict, method=finding.method, n_pre=finding.n_pre, n_post=finding.n_post, **spans)
    return published(verdict, finding, case.look.alpha)


def published(verdict: Verdict, finding: Finding, alpha: float) -> Verdict:
    """The verdict with the finding's numbers; what is not known is None, with the reason in the diagnostics."""
    found = finding.smallest_detectable(alpha)
    wished = "fall" if verdict.diagnostics.get("better") == "lower" else "rise"
    other = {"fall": "rise", "rise": "fall"}[wished]
    direction = next((name for name in (wished, other) if found[name] is not None), None)
    numbers = {
        "pre_value": finding.pre_value,
        "post_value": finding.post_value,
        "counterfactual_value": finding.counterfactual(),
        "effect": finding.change(finding.theta),
        "effect_ci_low": finding.change(finding.low),
        "effect_ci_high": finding.change(finding.high),
        "effect_rel": finding.relative(finding.theta),
        "effect_rel_ci_low": finding.relative_ends()[0],
        "effect_rel_ci_high": finding.relative_ends()[1],
        "p_value": finding.p_value,
        "mde80": None if direction is None else found[direction],
    }
    known: dict[str, Any] = {name: _known(value) for name, value in numbers.items()}
    figures = {"mde80_direction": direction, "mde80_unit": _known(found["unit"])}
    if finding.is_base_near_zero:
        figures["relative_reason"] = NEAR_ZERO
    return replace(verdict, **known, diagnostics={**verdict.diagnostics, **figures})


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
