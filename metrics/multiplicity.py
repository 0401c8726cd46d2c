"""Many KPIs, one rollout: the more questions are asked, the more certain each answer must be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import special

from metrics.finding import Finding
from metrics.question import Bools, Floats, Verdict

ENDS = ("effect_ci_low", "effect_ci_high", "effect_rel_ci_low", "effect_rel_ci_high")
TESTED = ("improved", "worsened", "no_material_change", "inconclusive")


def benjamini_hochberg(p_values: Floats) -> Floats:
    """q-values: the false discovery rate at which each hypothesis would just be rejected.

    Benjamini, Hochberg 1995, J. R. Statist. Soc. B 57(1); Yekutieli, Benjamini 1999, adjusted p-values.
    """
    count = len(p_values)
    order = np.argsort(p_values, kind="stable")
    scaled = p_values[order] * count / np.arange(1, count + 1)
    q = np.empty(count)
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q


def correct(verdicts: Sequence[Verdict], is_goal: Sequence[bool] | Bools, noun: str = "goals") -> list[Verdict]:
    """Correct the goal KPIs of one rollout together (one look, or one as-of date); the others stay as they are.

    Each goal gets its q-value. A change that does not hold at the look's error rate becomes inconclusive, and its
    interval widens to the false-coverage level of the goals that do (Benjamini, Yekutieli 2005, JASA 100(469)).
    Goals that could not be judged at all (Gate 0, no estimate) are not counted among the questions asked.
    noun: what they are called in the caveat.
    """
    out = list(verdicts)
    places = [k for k, verdict in enumerate(out) if is_goal[k] and _is_tested(verdict)]
    if not places:
        return out
    p_values = np.array([float(out[k].p_value or 0.0) for k in places])
    q_values = benjamini_hochberg(p_values)
    alphas = np.array([float(out[k].diagnostics.get("alpha", 0.05)) for k in places])
    kept = int(np.sum(q_values <= alphas))
    for k, q in zip(places, q_values, strict=True):
        out[k] = _revised(replace(out[k], q_value=float(q)), f"{len(places)} {noun}", max(kept, 1) / len(places))
    return out


def _is_tested(verdict: Verdict) -> bool:
    """Whether a test was made whose error counts."""
    return verdict.verdict in TESTED and verdict.reason != "not_enough_data" and verdict.p_value is not None


def _revised(verdict: Verdict, asked: str, kept_share: float) -> Verdict:
    """The verdict after correction."""
    alpha = float(verdict.diagnostics.get("alpha", 0.05))
    if verdict.verdict not in ("improved", "worsened") or verdict.q_value is None or verdict.q_value <= alpha:
        return verdict
    words = f"The change would stand on its own, but not among the {asked} tested together."
    widened = _widened(verdict, alpha * kept_share)
    return replace(
        widened,
        verdict="inconclusive",
        reason="too_noisy",
        caveats=(words, *(c for c in verdict.caveats if c != words)),
    )


def _widened(verdict: Verdict, alpha: float) -> Verdict:
    """The same estimate with an interval of level 1 − alpha, stretched on its own scale."""
    known = verdict.diagnostics
    theta, df = known.get("theta"), known.get("theta_df") or np.inf
    fields: dict[str, Any] = dict.fromkeys(ENDS)
    unknown = any(value is None for value in (
        theta, known.get("theta_low"), known.get("theta_high"), verdict.pre_value, verdict.post_value))  # fmt: skip
    if unknown or "nothing_after" in known:
        return replace(verdict, **fields)
    stretch = float(special.stdtrit(df, 1 - alpha / 2) / special.stdtrit(df, 1 - float(known["alpha"]) / 2))
    low, high = (theta + stretch * (known[name] - theta) for name in ("theta_low", "theta_high"))
    lowest, highest = known.get("limits") or (None, None)
    told = Finding(
        verdict.method, bool(known.get("is_multiplicative")), float(theta or 0.0), low, high, verdict.p_value or 1.0,
        0.0, df, float(verdict.pre_value or 0.0), float(verdict.post_value or 0.0),
        limits=(-np.inf if lowest is None else lowest, np.inf if highest is None else highest),
    )  # fmt: skip
    values = (told.change(low), told.change(high), *told.relative_ends())
    for name, value in zip(ENDS, values, strict=True):
        fields[name] = value if value is not None and np.isfinite(value) else None
    if told.is_base_near_zero:
        fields["effect_rel"] = None
    return replace(verdict, **fields, diagnostics={**known, "interval_level": 1 - alpha})
