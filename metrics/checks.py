"""Everything that could speak against an effect: each check leaves figures, a caveat, or a contradiction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from metrics import did, one_date, response, synthetic, teams
from metrics.checked import Checked
from metrics.designs import Design
from metrics.dose import dose_response
from metrics.event_study import event_study, traces
from metrics.finding import Finding
from metrics.looks import PROVISIONAL, Look
from metrics.panel import Panel, Rows, build, select, slots, spacing
from metrics.path import of_teams
from metrics.period_checks import odd_periods, unknown_periods, without_odd
from metrics.presence import near_go_live, with_silence_as_zero
from metrics.question import ADDITIVE_KINDS, Question
from metrics.segments import segment_effects

WHALE_SHARE, JUMP, TYPICAL = 0.30, 1.0, 0.75
PLATEAU, MIN_STEPS = 0.8, 4


def check_effect(question: Question, rows: Rows, look: Look, design: Design, finding: Finding) -> Checked:
    """All checks the design allows."""
    checked = _learning(question, look, design, finding) + _whales(question, rows, look, design, finding)
    checked += _non_response(question, rows, finding) + _jump(question, finding) + odd_periods(question, rows, design)
    checked += _dropped(question, rows, design, finding)
    checked += unknown_periods(question, look, design, finding)
    if not design.is_controlled:
        checked += without_odd(question, rows, look, finding)
    is_headline = question.focus is None and look.name != PROVISIONAL
    if is_headline:
        checked += Checked((), (), {"segments": segment_effects(question, look.end, design, finding)})
    if not design.is_controlled:
        return checked
    checked += _leave_one_out(finding) + Checked((), (), {"placebo": teams.placebo(question, rows, design)})
    setting = teams.prepare(question, rows, design)
    expected = traces(setting)
    steps = event_study(question, setting, expected)
    checked += Checked((), (), {"event_study": steps}) + _still_learning(question, steps, setting.cells.multiplicative)
    if finding.has_path and finding.method != synthetic.METHOD:
        checked += Checked(path=of_teams(question, setting, expected, 1 - look.alpha))
    elif finding.has_path and not finding.low <= 0 <= finding.high:
        checked += Checked(path=synthetic.path_of(question, rows, design, 1 - look.alpha))
    if not is_headline:
        return checked
    checked += Checked((), (), {"dose_response": dose_response(question, setting)})
    return checked + _second_estimator(question, rows, design, finding) if question.with_check else checked


def _theta(question: Question, end: np.datetime64, design: Design) -> tuple[float, float]:
    """Estimate and error of a changed question, by its design's own method; NaN when it cannot be made."""
    return _theta_of(question, select(question, end), design)


def _theta_of(question: Question, rows: Rows, design: Design) -> tuple[float, float]:
    """The same of rows read already."""
    if design.is_controlled:
        return teams.point(teams.prepare(question, rows, design))[:2]
    return one_date.point(question, rows)


def _flips(theta: float, other: float) -> bool:
    """Whether another estimate has the opposite sign."""
    return bool(np.isfinite(other) and theta * other < 0)


def _learning(question: Question, look: Look, design: Design, finding: Finding) -> Checked:
    """The learning window four weeks shorter and four weeks longer."""
    figures: dict[str, float] = {}
    for name, days in (("minus_4_weeks", -28), ("plus_4_weeks", 28)):
        if np.min(question.learning_days) + days >= 0:
            changed = replace(question, learning_days=question.learning_days + days)
            figures[name] = _theta(changed, look.end, design)[0]
    against = (
        ("The sign of the change depends on how long the learning window is taken to be.",)
        if any(_flips(finding.theta, other) for other in figures.values())
        else ()
    )
    return Checked(against, (), {"learning_window": figures})


def _whales(question: Question, rows: Rows, look: Look, design: Design, finding: Finding) -> Checked:
    """A few giants carry the sum: cap every record at the 99th percentile of the time before, and look again."""
    if question.kind not in ("sum", "mean") or question.is_periodic or len(rows.num) < 100:
        return Checked()
    size = np.sort(np.abs(rows.num))[::-1]
    share = float(size[: max(1, len(size) // 100)].sum() / size.sum()) if size.sum() > 0 else 0.0
    if share <= WHALE_SHARE:
        return Checked((), (), {"top_1_percent_share": round(share, 4)})
    go_live = question.go_live[rows.unit]
    early = rows.num[np.isnat(go_live) | (rows.day < go_live)]
    cap = float(np.quantile(early, 0.99)) if len(early) else float(size[0])
    capped = replace(question, num=np.minimum(question.num, cap))
    theta, error = _theta(capped, look.end, design)
    figures = {
        "top_1_percent_share": round(share, 4),
        "capped_at": cap,
        "capped_estimate": theta,
        "capped_error": error,
    }
    caveats = (f"The largest 1 % of the records make up {share:.0%} of the total; a few of them can turn the result.",)
    against = ("Without its few largest records the change has the opposite sign.",)
    checked = Checked(against if _flips(finding.theta, theta) else (), caveats, figures)
    return checked + _typical(question, look, design, finding) if question.kind == "mean" else checked


def _typical(question: Question, look: Look, design: Design, finding: Finding) -> Checked:
    """What the typical record did, by median and by logarithm, where a mean rests on a few giants."""
    others = {"median": replace(question, kind="quantile", share=0.5, held=None, is_time=False)}
    if (question.num > 0).all():
        others["log"] = replace(question, num=np.log(question.num), log=False)
    found = {name: _theta(other, look.end, design) for name, other in others.items()}
    figures = {f"{name}_{part}": value for name, pair in found.items() for part, value in zip(
        ("estimate", "error"), pair, strict=True)}  # fmt: skip
    is_opposed = any(_flips(finding.theta, theta) and abs(theta) > 2 * error for theta, error in found.values())
    return Checked(("The typical record moved the other way than the mean.",) if is_opposed else (), (), figures)


def _non_response(question: Question, rows: Rows, finding: Finding) -> Checked:
    """When another share of those asked answers: whether those who are missing could turn the sign."""
    if question.response_rates is None:
        return Checked()
    before, after = question.response_rates
    figures: dict[str, Any] = {"response_rate_before": before, "response_rate_after": after}
    if abs(response.moved(question)) <= response.MOVED:
        return Checked((), (), figures)
    words = f"Of those asked {before:.0%} answered before and {after:.0%} after"
    found = response.bounds(question, rows, finding)
    if found is None or found.low <= 0 <= found.high:
        return Checked((f"{words}; those who are missing could turn the change.",), (), figures)
    figures["response_bounds"] = {"low": found.low, "high": found.high}
    return Checked((), (f"{words}; the change stays even if those who are missing answered at the extremes.",), figures)


def _dropped(question: Question, rows: Rows, design: Design, finding: Finding) -> Checked:
    """Units that stopped at their go-live: whether it matters if they had nothing, or were not recorded any more."""
    near = near_go_live(question, rows.presence)
    if not near.any() or question.kind not in ADDITIVE_KINDS or question.is_periodic or finding.is_flat:
        return Checked()
    silent = replace(rows, presence=with_silence_as_zero(rows.presence, near))
    theta, error = _theta_of(question, silent, design)
    words = "Whether units that stopped at their go-live had nothing or were not recorded any more decides the change."
    against = (words,) if _flips(finding.theta, theta) else ()
    return Checked(against, (), {"stopped_as_zero": {"estimate": theta, "error": error}})


def _jump(question: Question, finding: Finding) -> Checked:
    """More than doubled: rather a change of what is recorded than of what is done. One odd period is no such change."""
    change = finding.relative(finding.theta)
    if question.kind == "nps" or change is None or change <= JUMP or finding.low <= 0:
        return Checked()
    after = [row["value"] for row in finding.diagnostics.get("series", ()) if row["side"] == "after" and row["value"]]
    if after and float(np.median(after)) < (1 + JUMP) * finding.counterfactual() * TYPICAL:
        return Checked()
    return Checked((), ("It more than doubled; make sure that it was recorded in the same way before.",))


def _still_learning(question: Question, path: Sequence[Mapping[str, Any]], is_relative: bool) -> Checked:
    """The first four weeks after the learning window against the later ones; one that ends in the dip is too short."""
    after = [1 + step["change"] for step in path if step["phase"] == "after"]
    is_asked = is_relative and question.better == "higher"
    if not is_asked or len(after) < MIN_STEPS or not after[0] < PLATEAU * float(np.mean(after[1:])):
        return Checked()
    words = "The first weeks after the learning window are still far below the later ones; it may be too short."
    return Checked((), (words,))


def _leave_one_out(finding: Finding) -> Checked:
    """One team alone must not carry the sign."""
    found = finding.diagnostics.get("leave_one_team_out", {})
    if found and (found["low"] < 0 < found["high"]):
        return Checked(("Leaving out a single team turns the sign of the change.",))
    return Checked()


def _second_estimator(question: Question, rows: Rows, design: Design, finding: Finding) -> Checked:
    """Callaway–Sant'Anna beside the first estimate; it contradicts when it is sure of the opposite sign."""
    length = spacing(question.at) if question.is_periodic else "4 weeks"
    panel = build(question, rows, slots(question, rows.start, rows.end, length))
    long, anticipation = _long_panel(question, panel, finding.multiplicative)
    control = "never_treated" if (long.first == 0).any() and question.is_periodic else "not_yet_treated"
    try:
        found = did.callaway_santanna(long, control, anticipation, is_full=question.is_periodic)
    except (ValueError, ArithmeticError) as refusal:
        return Checked((), (), {"callaway_santanna": {"status": "not_estimable", "why": str(refusal)[:200]}})
    if finding.low > 0 or finding.high < 0:
        found["breakdown"] = _breakdown(question, rows, finding, control)
    simple = found["simple"]
    opposed = _flips(finding.theta, simple["estimate"]) and (simple["low"] > 0 or simple["high"] < 0)
    words = ("A second method (Callaway–Sant'Anna) is sure of the opposite sign.",) if opposed else ()
    return Checked(words, (), {"callaway_santanna": found})


def _breakdown(question: Question, rows: Rows, finding: Finding, control: str) -> float | None:
    """By quarters, since a trend that parts by so much every four weeks would part by anything within a year."""
    length = spacing(question.at) if question.is_periodic else "quarter"
    long, anticipation = _long_panel(
        question, build(question, rows, slots(question, rows.start, rows.end, length)), finding.multiplicative
    )
    return did.breakdown(long, control, anticipation)


def _long_panel(question: Question, panel: Panel, multiplicative: bool) -> tuple[did.LongPanel, int]:
    """Team × period outcomes: logarithms when all are positive, else shares of the team's level before, or levels.

    A team's first period is the first after its learning window; the learning window counts as anticipation.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        value = panel.num / panel.den
    seen = (panel.den > 0) & np.isfinite(value)
    seen &= np.asarray(panel.before.any(1) | panel.after.any(1))[:, None]
    first = np.where(panel.after.any(1), panel.after.argmax(1) + 1, 0)
    treated = (first > 0) & panel.before.any(1)
    skipped = [int(first[g]) - 1 - (int(np.flatnonzero(panel.before[g])[-1]) + 1) for g in np.flatnonzero(treated)]
    seen &= (treated | (first == 0))[:, None]
    if multiplicative and (value[seen] > 0).all():
        outcome = np.log(np.where(seen, value, 1.0))
    elif multiplicative:
        level = np.where(panel.before & seen, value, 0).sum(1) / np.maximum((panel.before & seen).sum(1), 1)
        seen &= (level > 0)[:, None]
        outcome = np.where(seen, value, 0.0) / np.where(level > 0, level, 1.0)[:, None]
    else:
        outcome = value
    unit, period = np.nonzero(seen)
    calendar = question.is_periodic and float(np.median(panel.days())) > 200
    years = panel.edges[:-1].astype("datetime64[Y]").astype(int) + 1970
    label = years if calendar else np.arange(1, len(panel.edges))
    starts = np.where(first > 0, label[np.maximum(first, 1) - 1], 0)
    long = did.LongPanel(unit, label[period], starts[unit], outcome[seen])
    return long, max(skipped, default=0)
