"""A verdict for each segment: the pooled estimates of `segments.py`, corrected together, under the whole's gates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from scipy import special

from metrics.finding import Finding
from metrics.limits import possible
from metrics.multiplicity import correct
from metrics.question import Question, Verdict, VerdictWord
from metrics.segments import MIN_ROWS
from metrics.verdict import DISAGREE, FADED, NOT_ENOUGH, REVERSED, published, read

ALIKE_P = 0.05
KEPT = ("alpha", "interval_level", "is_multiplicative", "scale", "better", "limits")
UNKNOWN: Mapping[str, Any] = dict.fromkeys(
    ("pre_value", "post_value", "counterfactual_value", "effect", "effect_ci_low", "effect_ci_high", "effect_rel",
     "effect_rel_ci_low", "effect_rel_ci_high", "p_value", "mde80")
)  # fmt: skip


def of_segments(question: Question, whole: Verdict) -> list[tuple[str, str, Verdict]]:
    """(segmentation, segment, verdict) of every segment the whole's verdict has an account of; corrected together.

    What bars or contradicts the whole does the same to its segments. Each interval keeps the error rate of the look.
    """
    rows = whole.diagnostics.get("segments") or []
    limits = possible(question)
    judged = [_judged(question, whole, row, limits) for row in rows]
    corrected = correct(judged, [True] * len(judged), "segments") if len(judged) > 1 else judged
    return [(row["dim"], row["segment"], verdict) for row, verdict in zip(rows, corrected, strict=True)]


def _judged(question: Question, whole: Verdict, row: Mapping[str, Any], limits: tuple[float, float]) -> Verdict:
    """One segment's verdict before correction."""
    known = whole.diagnostics
    verdict = replace(
        whole, method=f"{whole.method}_pooled", n_pre=row["n_pre"], n_post=row["n_post"], caveats=(), q_value=None,
        diagnostics={name: known.get(name) for name in KEPT},
        **UNKNOWN,
    )  # fmt: skip
    if row["theta"] is None or row["pre_value"] is None:
        words = f"Fewer than {MIN_ROWS} records on a side, or none to compare with."
        barred = whole.verdict == "not_comparable"
        return verdict if barred else replace(verdict, verdict="inconclusive", reason=NOT_ENOUGH, caveats=(words,))
    finding = _finding(whole, row, limits)
    word, reason = whole.verdict, whole.reason
    if word != "not_comparable" and reason != NOT_ENOUGH:
        word, reason = _word(question, finding, reason)
    figures = {
        **verdict.diagnostics, "theta": finding.theta, "theta_low": finding.low, "theta_high": finding.high,
        "theta_error": finding.error, "theta_df": None, "heterogeneity_p": row["heterogeneity_p"],
        "unpooled": {name: row[name] for name in ("effect", "effect_low", "effect_high")},
    }  # fmt: skip
    alike = row["heterogeneity_p"] is not None and row["heterogeneity_p"] > ALIKE_P
    told = published(verdict, finding, float(known["alpha"]))
    return replace(
        told, verdict=word, reason=reason, diagnostics={**told.diagnostics, **figures},
        caveats=("The segments do not differ by more than chance; this is mostly what they have in common.",) * alike,
    )  # fmt: skip


def _word(question: Question, finding: Finding, of_whole: str | None) -> tuple[VerdictWord, str | None]:
    """What the segment's interval says; a change is none that lasts where the whole's is none."""
    word, reason = read(question, finding, of_whole == DISAGREE)
    is_change = word in ("improved", "worsened")
    return ("inconclusive", of_whole) if is_change and of_whole in (FADED, REVERSED) else (word, reason)


def _finding(whole: Verdict, row: Mapping[str, Any], limits: tuple[float, float]) -> Finding:
    """The pooled estimate as a finding, with a normal interval at the look's error rate."""
    theta, error = float(row["theta"]), float(row["theta_error"])
    reach = float(special.ndtri(1 - float(whole.diagnostics["alpha"]) / 2)) * error
    p_value = float(2 * special.ndtr(-abs(theta) / error))
    return Finding(
        f"{whole.method}_pooled", bool(whole.diagnostics["is_multiplicative"]), theta, theta - reach, theta + reach,
        p_value, error, float("inf"), float(row["pre_value"]), float(row["post_value"]), limits=limits,
    )  # fmt: skip
