"""What a dashboard would claim: the average after go-live less the average before. Shown beside ours, never used."""

from __future__ import annotations

import numpy as np

from metrics.presence import presence, spans
from metrics.question import ADDITIVE_KINDS, CENSORED_KINDS, Bools, Question

FAR_FROM_ZERO = 1.96


def naive_change(question: Question, end: np.datetime64) -> dict[str, float | str]:
    """naive_pre, naive_post and naive_change_rel of the teams that went live, all rows up to `end`.

    Durations and quantiles count finished cases only, shares count young cases as failures: that is what dashboards do.
    A time below zero is no case; a unit's time counts while it was there (`presence.py`), a ready-made period that is
    absent does not count. naive_post_learnt: without the learning windows. Without naive_change_rel: the average before
    cannot be told from zero (naive_reason).
    """
    day = question.at.astype("datetime64[D]")
    go_live = question.go_live[question.unit]
    asked = ~np.isnat(go_live) & (day < end)
    if question.focus is not None:
        asked &= question.focus[question.unit]
    if question.kind in CENSORED_KINDS:
        asked &= question.observed
    if question.is_duration:
        asked &= question.num >= 0
    sides = asked & (day < go_live), asked & (day >= go_live), asked & (day >= question.left_learning[question.unit])
    if not sides[0].any() or not sides[1].any():
        return {}
    exposure = _exposure(question, asked, sides, end)
    pre, post, learnt = (_average(question, side, below) for side, below in zip(sides, exposure, strict=True))
    if not np.isfinite([pre, post]).all():
        return {}
    known: dict[str, float | str] = {"naive_pre": pre, "naive_post": post}
    if np.isfinite(learnt):
        known["naive_post_learnt"] = learnt
    if _is_near_zero(question, sides[0]):
        return known | {"naive_reason": "base_near_zero"}
    return known | {"naive_change_rel": (post - pre) / abs(pre)} if pre else {}


def _exposure(question: Question, asked: Bools, sides: tuple[Bools, ...], end: np.datetime64) -> list[float]:
    """What a side's sum is divided by: den; for sums and counts the weeks of all units together, over their number."""
    if question.kind not in ADDITIVE_KINDS:
        return [float(question.den[side].sum()) for side in sides]
    units = np.bincount(question.unit[asked], minlength=len(question.go_live)) > 0
    if question.is_periodic:
        return [float(side.sum()) / units.sum() for side in sides]
    found = presence(question, question.at[asked].min().astype("datetime64[D]"), end)
    return [float(days[units].sum()) / 7 / units.sum() for days in spans(question, found, end)]


def _average(question: Question, side: Bools, below: float) -> float:
    """The plain average of a side; NaN of nothing."""
    if not side.any():
        return float("nan")
    if question.kind == "quantile":
        return float(np.quantile(question.num[side], question.share))
    if question.kind == "duration":
        below = float(side.sum())
    return float(question.num[side].sum() / below) if below > 0 else float("nan")


def _is_near_zero(question: Question, side: Bools) -> bool:
    """Whether values of both signs average to something that could be zero: then no percentage of it means anything."""
    value = question.num[side]
    if not (value < 0).any() or not (value > 0).any():
        return False
    error = float(value.std()) / np.sqrt(len(value))
    return bool(abs(float(value.mean())) <= FAR_FROM_ZERO * error)
