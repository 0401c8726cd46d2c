"""What a method did in many worlds of one kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.opponents import Claim


@dataclass(frozen=True)
class Answer:
    """One method in one world. claim: its interval, NaN without; is_change: its verdict; is_barred: it abstained."""

    claim: Claim
    is_change: bool
    truth: float
    is_barred: bool = False
    milliseconds: float = 0.0


@dataclass(frozen=True)
class Tally:
    """Shares of worlds (0–1), but for bias, rmse, width (relative change) and milliseconds a world.

    coverage: the interval holds the truth; without an interval it does not. called: verdicts of change. wrong_sign:
    verdicts of change against the true sign. abstained: no interval, or not comparable. calibrated: false verdicts
    can only be seen where the truth is 0.
    """

    worlds: int
    coverage: float
    called: float
    wrong_sign: float
    abstained: float
    bias: float
    rmse: float
    width: float
    milliseconds: float


def tally(answers: Sequence[Answer]) -> Tally:
    """Sum up."""
    truth = np.array([each.truth for each in answers])
    effect = np.array([each.claim.effect for each in answers])
    width = np.array([each.claim.high - each.claim.low for each in answers])
    called = np.array([each.is_change for each in answers])
    known = np.isfinite(effect)
    error = (effect - truth)[known]
    return Tally(
        len(answers),
        float(np.mean([each.claim.covers(each.truth) for each in answers])),
        float(called.mean()),
        float(np.mean(called & (np.nan_to_num(effect) * truth < 0))),
        float(np.mean([each.is_barred or not np.isfinite(each.claim.effect) for each in answers])),
        float(error.mean()) if known.any() else float("nan"),
        float(np.sqrt(np.mean(error**2))) if known.any() else float("nan"),
        float(np.median(width[np.isfinite(width)])) if np.isfinite(width).any() else float("nan"),
        float(np.mean([each.milliseconds for each in answers])),
    )
