"""What a figure of a kind can be at all: no interval may promise more."""

from __future__ import annotations

import numpy as np

from metrics.finding import ANY
from metrics.question import Question


def possible(question: Question) -> tuple[float, float]:
    """Lowest and highest value in the unit people see.

    A share lies in 0–1, an NPS in ±100, times, counts and whatever was never negative at or above 0.
    """
    if question.kind == "nps":
        return -100.0, 100.0
    known = np.isfinite(question.num) & np.isfinite(question.den)
    num, den = question.num[known], question.den[known]
    is_positive = bool((num >= 0).all() and (den >= 0).all())
    if question.kind == "proportion" and is_positive and bool((num <= den).all()):
        return 0.0, 1.0
    return (0.0, np.inf) if question.is_duration or is_positive else ANY
