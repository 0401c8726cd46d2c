"""The statistics of the alert rules: pure functions, one-sided, in the direction called bad."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MAD_TO_SD = 1.4826


@dataclass(frozen=True)
class Test:
    """A test against the trailing periods: what was seen, what was expected, z in the bad direction, one-sided p."""

    observed: float | None
    expected: float
    z: float
    p_value: float


def two_proportions(
    hits: float, n: float, past_hits: Sequence[float], past_n: Sequence[float], bad_sign: int
) -> Test | None:
    """Pooled two-proportion z-test of (hits, n) against the sum of the past periods; None when it cannot be made.

    The variance is multiplied by the past periods' Pearson dispersion when that exceeds 1 (quasi-binomial; McCullagh
    and Nelder 1989, section 4.5), since weeks of the same people vary more than coin tosses.
    """
    total, total_n = sum(past_hits), sum(past_n)
    if n <= 0 or total_n <= 0:
        return None
    pooled = (hits + total) / (n + total_n)
    if not 0 < pooled < 1:
        return None
    past = total / total_n
    dispersion = 1.0
    used = [(x, m) for x, m in zip(past_hits, past_n, strict=True) if m > 0]
    if len(used) > 1 and 0 < past < 1:
        chi2 = sum((x - m * past) ** 2 / (m * past * (1 - past)) for x, m in used)
        dispersion = max(1.0, chi2 / (len(used) - 1))
    error = math.sqrt(dispersion * pooled * (1 - pooled) * (1 / n + 1 / total_n))
    z = bad_sign * (hits / n - past) / error
    return Test(hits / n, past, z, float(stats.norm.sf(z)))


def welch(recent: Floats, past: Floats, bad_sign: int) -> Test | None:
    """Welch's t-test of two means; None with fewer than two values or no variation at all."""
    if len(recent) < 2 or len(past) < 2:
        return None
    parts = (recent.var(ddof=1) / len(recent), past.var(ddof=1) / len(past))
    error = math.sqrt(sum(parts))
    if error == 0:
        return None
    t = bad_sign * (float(recent.mean()) - float(past.mean())) / error
    degrees = sum(parts) ** 2 / (parts[0] ** 2 / (len(recent) - 1) + parts[1] ** 2 / (len(past) - 1))
    return Test(float(recent.mean()), float(past.mean()), t, float(stats.t.sf(t, degrees)))


def slower(recent: Floats, recent_done: Bools, past: Floats, past_done: Bools) -> Test | None:
    """Log-rank test that recent cases take longer; observed and expected are Kaplan–Meier medians.

    `*_done`: False is censored. observed is None when fewer than half of the recent cases are done within the time
    they could be watched. None when nothing happened, or the past median is not reached.
    """
    expected = median_time(past, past_done)
    if expected is None or len(recent) == 0:
        return None
    times = np.unique(np.concatenate([recent[recent_done], past[past_done]]))
    at_recent, at_past = _at_risk(recent, times), _at_risk(past, times)
    died_recent, died_past = _events(recent, recent_done, times), _events(past, past_done, times)
    at, died = at_recent + at_past, died_recent + died_past
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = died * (at_recent / at) * (at_past / at) * np.where(at > 1, (at - died) / (at - 1), 0.0)
    if variance.sum() <= 0:
        return None
    z = float((died * at_recent / at - died_recent).sum() / math.sqrt(variance.sum()))
    return Test(median_time(recent, recent_done), expected, z, float(stats.norm.sf(z)))


def median_time(times: Floats, done: Bools) -> float | None:
    """Kaplan–Meier median: the first time by which half are done; None when that is never reached."""
    ends = np.unique(times[done])
    if len(ends) == 0:
        return None
    survival = np.cumprod(1 - _events(times, done, ends) / _at_risk(times, ends))
    reached = np.flatnonzero(survival <= 0.5 + 1e-12)
    return float(ends[reached[0]]) if len(reached) else None


def martingale(times: Floats, done: Bools, past: Floats, past_done: Bools) -> Floats:
    """Each case's expected minus seen completions under the past hazard (Nelson–Aalen): positive is slower."""
    ends = np.unique(past[past_done])
    hazard = np.concatenate([[0.0], np.cumsum(_events(past, past_done, ends) / _at_risk(past, ends))])
    result: Floats = hazard[np.searchsorted(ends, times, side="right")] - done
    return result


def _at_risk(times: Floats, at: Floats) -> Floats:
    ordered = np.sort(times)
    return (len(ordered) - np.searchsorted(ordered, at, side="left")).astype(np.float64)


def _events(times: Floats, done: Bools, at: Floats) -> Floats:
    ordered = np.sort(times[done])
    found = np.searchsorted(ordered, at, side="right") - np.searchsorted(ordered, at, side="left")
    return found.astype(np.float64)


def robust_scale(residuals: Floats) -> float:
    """Standard deviation from the median absolute deviation around zero, residuals being centred already."""
    return MAD_TO_SD * float(np.median(np.abs(residuals))) if len(residuals) else 0.0


def poisson_floor(level: float, events: float, size_variation: float) -> float:
    """Smallest believable standard deviation of log1p of a sum of `events` independent things around `level`.

    Delta method for a compound Poisson sum, √((1 + cv²)/events) · level/(1 + level); `size_variation` is cv, 0 for
    counts, where it becomes √level/(1 + level).
    """
    return math.sqrt((1 + size_variation**2) / max(events, 1.0)) * level / (1 + level)


def pooled_score(scores: Sequence[float]) -> tuple[float, float]:
    """Evidence of several periods together: Σz/√m and its one-sided p (Stouffer)."""
    z = sum(scores) / math.sqrt(len(scores))
    return z, float(stats.norm.sf(z))


def rejected(p_values: Sequence[float], alpha: float) -> list[bool]:
    """Benjamini–Hochberg: which of the night's p-values are discoveries at false discovery rate `alpha`."""
    m = len(p_values)
    order = sorted(range(m), key=lambda i: p_values[i])
    last = max((rank for rank, i in enumerate(order, 1) if p_values[i] <= alpha * rank / m), default=0)
    chosen = set(order[:last])
    return [i in chosen for i in range(m)]
