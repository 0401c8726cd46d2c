"""Why the plain difference is another than the effect: its parts, which add up to it.

naive = learning window + mix + left out + (trend + season + covariates + unusual weeks + drift, or what the others did)
+ effect
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from metrics import series
from metrics.finding import Finding, Unmeasured
from metrics.panel import Rows
from metrics.question import Floats, Question
from metrics.regression import Regression, is_flat, regression, scaled

APART, SMALLEST = 3.0, 0.01
UNUSUAL = "unusual_before"
KINDS = {
    "trend": ("trend",), "season": ("season", "quarter"), "covariates": ("covariate",), UNUSUAL: (UNUSUAL,)
}  # fmt: skip
HOLDS, ROUNDING = 0.25, 1e-6
"""A part is named when it makes up this share of the gap."""
NAMES = {
    "learning_window": "the learning window",
    "left_out": "records left out (too young, open, or of units that were not there)",
    "mix": "the mix of segments",
    "trend": "a trend that was under way",
    "season": "the season",
    "covariates": "the covariates",
    UNUSUAL: "the unusual weeks before the go-live",
    "drift": "a level that drifts by itself",
    "others": "what the other units did meanwhile (season, growth)",
}


def explained(
    question: Question, rows: Rows, finding: Finding, naive: Mapping[str, Any], *, is_controlled: bool
) -> dict[str, Any]:
    """`scale` (log or level), `naive`, `effect`, `parts` and `words` (empty unless they are far apart); empty when
    there is no plain difference to explain, or none on the effect's scale. naive: as of `naive_change`.
    """
    per = 100.0 if question.kind == "nps" else 1.0
    before, after, learnt = (naive.get(name) for name in ("naive_pre", "naive_post", "naive_post_learnt"))
    compared = _gap(finding, finding.pre_value, finding.post_value)
    plain = None if before is None or after is None else _gap(finding, per * before, per * after)
    if finding.ratios is not None or plain is None or compared is None:
        return {}
    later = None if before is None or learnt is None else _gap(finding, per * before, per * learnt)
    parts = {"learning_window": 0.0 if later is None else plain - later, "mix": _mix(finding)}
    parts["left_out"] = plain - parts["learning_window"] - parts["mix"] - compared
    gap = compared - finding.theta
    parts |= {"others": gap} if is_controlled else _own(question, rows, finding, gap)
    parts = {name: round(value, 6) for name, value in parts.items() if abs(value) > ROUNDING}
    found = {"scale": "log" if finding.multiplicative else "level", "naive": plain, "effect": finding.theta}
    return {**found, "parts": parts, "words": _words(question, finding, plain, parts)}


def _gap(finding: Finding, before: float, after: float) -> float | None:
    """What two values differ by, on the scale of the effect."""
    if not finding.multiplicative:
        return after - before
    return float(np.log(after / before)) if before > 0 and after > 0 else None


def _mix(finding: Finding) -> float:
    """What shifting weights of segments alone made of the difference; 0 where the mix was not held constant."""
    held = finding.diagnostics.get("mix_share")
    if held is None:
        return 0.0
    return _gap(finding, finding.pre_value, finding.pre_value + float(held)) or 0.0


def _own(question: Question, rows: Rows, finding: Finding, gap: float) -> dict[str, float]:
    """What trend, season, covariates and unusual weeks before the go-live make of the time after against that before;
    drift is the rest of the gap.
    """
    made = regression(question, rows)
    if isinstance(made, Unmeasured) or is_flat(made.y):
        return {"drift": gap}
    slots = finding.diagnostics[UNUSUAL]["slots"] if "with_weeks_before" in finding.diagnostics else 0
    ahead = made.ahead[:, made.ahead.sum(0) == slots]
    shift, names = _shift(made, ahead), (*made.kinds, *(UNUSUAL,) * ahead.shape[1])
    parts = {name: sum(shift[k] for k, kind in enumerate(names) if kind in kinds) for name, kinds in KINDS.items()}
    return {**parts, "drift": gap - sum(parts.values())}


def _shift(made: Regression, ahead: Floats) -> Floats:
    """By how much each column, and those of the weeks ahead, moves the average after against that before."""
    x, step = np.column_stack([made.x, ahead]), made.step[:, None]
    kinds = (*made.kinds, *("covariate",) * ahead.shape[1], "step")
    y, every, noise, weeks = scaled(made, np.column_stack([x, step]), step)
    found = series.means(y, every, kinds, tuple(int(p) for p in made.places), noise, weeks)
    after = made.is_after
    return np.asarray(found[:-1] * (x[after].mean(0) - x[~after].mean(0)))


def _words(question: Question, finding: Finding, plain: float, parts: Mapping[str, float]) -> str:
    """Which part makes the difference, when the two differ in sign or one is three times the other."""
    effect, gap = finding.theta, plain - finding.theta
    if finding.is_base_near_zero or question.kind == "nps":
        change, naive, least = effect, plain, 0.0
    else:
        change, naive = (finding.change_of(end) for end in (effect, plain))
        least = SMALLEST
    is_opposed = change * naive < 0
    larger, smaller = max(abs(change), abs(naive)), min(abs(change), abs(naive))
    if abs(change - naive) <= least or not (is_opposed or larger >= APART * smaller):
        return ""
    pulling = sorted((part for part in parts.items() if part[1] * gap > 0), key=lambda part: -abs(part[1]))
    named = [name for name, value in pulling if abs(value) >= HOLDS * abs(gap)][:2]
    if not named:
        return ""
    return f"What sets the plain difference apart is mostly {' and '.join(NAMES[name] for name in named)}."
