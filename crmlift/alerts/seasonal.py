"""A sum against comparable days or weeks: log scale, medians, a robust spread with a Poisson floor, pooled evidence."""

from __future__ import annotations

import math
from collections.abc import Callable, Container
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from crmlift.alerts.business_days import phase, week_phase, working_share
from crmlift.alerts.evidence import Sums
from crmlift.alerts.rules import Limits
from crmlift.alerts.scoring import poisson_floor, pooled_score, robust_scale

DAY_RESIDUALS = 56
WEEK_RESIDUALS = 26
MIN_SHARE = 0.5
LOOK_BACK = 10


@dataclass(frozen=True)
class Seasonal:
    """The newest periods together: what they sum to, what was expected, the pooled z in the bad direction."""

    start: date
    days: int
    observed: float
    expected: float
    events: int
    z: float
    p_value: float


def seasonal_signal(
    read: Callable[[str, date], Sums | None], *, before: date, free: Container[date], limits: Limits, bad_sign: int,
    excluded: Callable[[date], bool],
) -> Seasonal | None:  # fmt: skip
    """Score the last whole days before `before`, or the last whole week of a KPI with few events a day.

    free: public holidays. excluded: days not to compare with (open incidents). None without enough comparable periods.
    """
    daily = read("day", before)
    if daily is None:
        return None
    is_daily = float(np.median(daily.events[-28:])) >= limits.min_daily_events
    if is_daily:
        return _score(daily, _DayGrain(free), limits, bad_sign, excluded)
    monday = before - timedelta(days=before.weekday())
    weekly = read("week", monday)
    return None if weekly is None else _score(weekly, _WeekGrain(free), limits, bad_sign, excluded)


class _DayGrain:
    """Days compare with the same weekday in the same phase of the quarter; holidays are left out."""

    days, residuals, step = 1, DAY_RESIDUALS, 7

    def __init__(self, free: Container[date]) -> None:
        self.free = free

    def share(self, start: date) -> float:
        return 0.0 if start in self.free else 1.0

    def phase(self, start: date) -> str:
        return phase(start)


class _WeekGrain:
    """Weeks compare in the same phase of the quarter, per working day."""

    days, residuals, step = 7, WEEK_RESIDUALS, 1

    def __init__(self, free: Container[date]) -> None:
        self.free = free

    def share(self, start: date) -> float:
        return working_share(start, self.free)

    def phase(self, start: date) -> str:
        return week_phase(start)


def _score(
    sums: Sums, grain: _DayGrain | _WeekGrain, limits: Limits, bad_sign: int, excluded: Callable[[date], bool]
) -> Seasonal | None:
    shares = np.array([grain.share(start) for start in sums.starts])
    usable = shares >= MIN_SHARE
    level = np.log1p(np.where(usable, sums.totals / np.where(usable, shares, 1.0), 0.0))
    phases = [grain.phase(start) for start in sums.starts]
    is_past = np.array([bool(u) and not excluded(start) for u, start in zip(usable, sums.starts, strict=True)])

    def expectation(i: int) -> float | None:
        """Median of comparable periods before period i; those between quarter rushes when its phase has too few."""
        before = [j for j in range(i - grain.step, -1, -grain.step) if is_past[j]]
        same = [j for j in before if phases[j] == phases[i]][: limits.seasonal_history]
        if len(same) < limits.min_history:
            same = [j for j in before if phases[j] == "middle"][: limits.seasonal_history]
        return float(np.median(level[same])) if len(same) >= limits.min_history else None

    newest = len(sums.starts) - 1
    wanted = limits.pooled_days if grain.days == 1 else 1
    scored = [i for i in range(newest, max(-1, newest - LOOK_BACK), -1) if usable[i]][:wanted][::-1]
    if len(scored) < wanted:
        return None
    expected = [expectation(i) for i in scored]
    residuals = []
    for i in range(scored[0] - 1, -1, -1):
        if is_past[i] and (known := expectation(i)) is not None:
            residuals.append(level[i] - known)
        if len(residuals) == grain.residuals:
            break
    if any(e is None for e in expected) or len(residuals) < limits.min_history:
        return None
    spread = robust_scale(np.array(residuals))
    scores, total = [], 0.0
    for i, middle in zip(scored, expected, strict=True):
        assert middle is not None
        usual = math.expm1(middle)
        mean_size = sums.totals.sum() / max(sums.events.sum(), 1.0)
        floor = poisson_floor(usual, usual / mean_size if mean_size else 0.0, sums.size_variation)
        scores.append(bad_sign * (level[i] - middle) / max(spread, floor))
        total += usual * shares[i]
    z, p_value = pooled_score(scores)
    chosen = np.array(scored)
    return Seasonal(
        sums.starts[scored[0]], (sums.starts[scored[-1]] - sums.starts[scored[0]]).days + grain.days,
        float(sums.totals[chosen].sum()), total, int(sums.events[chosen].sum()), z, p_value,
    )  # fmt: skip
