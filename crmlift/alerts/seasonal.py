"""A sum against comparable days or weeks: log scale, medians, a robust spread with a Poisson floor, pooled evidence.

Sums are counted in amounts of average size, so that a day with one deal and a day with none differ by log 2 whatever
the currency.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from crmlift.alerts.business_days import phase, week_phase, working_share
from crmlift.alerts.evidence import Sums
from crmlift.alerts.rules import Limits
from crmlift.alerts.scoring import poisson_floor, pooled_score, robust_scale

DAY_RESIDUALS = 56
WEEK_RESIDUALS = 26
MIN_SHARE = 0.5
LOOK_BACK = 10
MIDDLE = "middle"
MIN_PHASES = 3


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
    excluded: Callable[[date], bool], is_stock: bool = False, fiscal_year_start: int = 1,
) -> Seasonal | None:  # fmt: skip
    """Score the last whole days before `before`, or the last whole week of a KPI with few events a day.

    is_stock: counted at the end of each week, so that holidays and quarter rushes do not matter. free: public holidays.
    excluded: days not to compare with (open incidents). fiscal_year_start: month the quarters are counted from. None
    without enough comparable periods.
    """
    if not is_stock:
        daily = read("day", before)
        if daily is None:
            return None
        if float(np.median(daily.events[-28:])) >= limits.min_daily_events:
            return _score(daily, _DayGrain(free, fiscal_year_start), limits, bad_sign, excluded)
    monday = before - timedelta(days=before.weekday())
    weekly = read("week", monday)
    grain = _WeekGrain(free, fiscal_year_start, is_stock)
    return None if weekly is None else _score(weekly, grain, limits, bad_sign, excluded)


class _DayGrain:
    """Days compare with the same weekday in the same phase of the quarter; holidays are left out."""

    days, residuals, step = 1, DAY_RESIDUALS, 7

    def __init__(self, free: Container[date], fiscal_year_start: int) -> None:
        self.free, self.fiscal_year_start = free, fiscal_year_start

    def share(self, start: date) -> float:
        return 0.0 if start in self.free else 1.0

    def phase(self, start: date) -> str:
        return phase(start, self.fiscal_year_start)


class _WeekGrain:
    """Weeks compare in the same phase of the quarter, per working day; stocks compare as they are."""

    days, residuals, step = 7, WEEK_RESIDUALS, 1

    def __init__(self, free: Container[date], fiscal_year_start: int, is_stock: bool) -> None:
        self.free: Container[date] = frozenset() if is_stock else free
        self.fiscal_year_start, self.is_stock = fiscal_year_start, is_stock

    def share(self, start: date) -> float:
        return working_share(start, self.free)

    def phase(self, start: date) -> str:
        return MIDDLE if self.is_stock else week_phase(start, self.fiscal_year_start)


@dataclass(frozen=True)
class _Series:
    """Periods on the log scale, in amounts of average size. is_past: may be compared with."""

    level: npt.NDArray[np.float64]
    phases: list[str]
    usable: npt.NDArray[np.bool_]
    is_past: npt.NDArray[np.bool_]
    step: int
    limits: Limits

    def expected(self, i: int) -> float | None:
        """What is usual for period i: the recent level between quarter rushes, moved by what its phase usually adds.

        None when too few periods compare, or when less than one amount is usual: nothing can drop from nothing.
        """
        base = self.base(i)
        if base is None:
            return None
        if self.phases[i] != MIDDLE:
            same = [j for j in self._before(i) if self.phases[j] == self.phases[i]][: self.limits.seasonal_history]
            moves = [self.level[j] - known for j in same if (known := self.base(j)) is not None]
            base += float(np.median(moves)) if len(moves) >= MIN_PHASES else 0.0
        return base if base >= math.log(2) else None

    def base(self, i: int) -> float | None:
        """Median of the newest comparable periods before i that lie between quarter rushes."""
        same = [j for j in self._before(i) if self.phases[j] == MIDDLE][: self.limits.seasonal_history]
        return float(np.median(self.level[same])) if len(same) >= self.limits.min_history else None

    def _before(self, i: int) -> list[int]:
        return [j for j in range(i - self.step, -1, -self.step) if self.is_past[j]]

    def newest(self, wanted: int) -> list[tuple[int, float]]:
        """The last periods that can be scored, oldest first, each with what was expected; fewer than wanted if so."""
        end = len(self.level)
        found = [
            (i, known)
            for i in range(end - 1, max(-1, end - 1 - LOOK_BACK), -1)
            if self.usable[i] and (known := self.expected(i)) is not None
        ]
        return found[:wanted][::-1]

    def spread(self, before: int, wanted: int) -> float | None:
        """Robust standard deviation of what earlier periods were off by; None with too few of them."""
        residuals = []
        for i in range(before - 1, -1, -1):
            if self.is_past[i] and (known := self.expected(i)) is not None:
                residuals.append(self.level[i] - known)
            if len(residuals) == wanted:
                break
        return robust_scale(np.array(residuals)) if len(residuals) >= self.limits.min_history else None


def _score(
    sums: Sums, grain: _DayGrain | _WeekGrain, limits: Limits, bad_sign: int, excluded: Callable[[date], bool]
) -> Seasonal | None:
    mean_size = sums.totals.sum() / max(sums.events.sum(), 1.0)
    if mean_size <= 0:
        return None
    shares = np.array([grain.share(start) for start in sums.starts])
    usable = shares >= MIN_SHARE
    series = _Series(
        np.log1p(np.where(usable, sums.totals / mean_size / np.where(usable, shares, 1.0), 0.0)),
        [grain.phase(start) for start in sums.starts],
        usable,
        usable & ~np.array([excluded(start) for start in sums.starts]),
        grain.step,
        limits,
    )
    scored = series.newest(limits.pooled_days if grain.days == 1 else 1)
    spread = series.spread(scored[0][0], grain.residuals) if scored else None
    if spread is None:
        return None
    scores, total = [], 0.0
    for i, middle in scored:
        usual = math.expm1(middle)
        floor = poisson_floor(usual, usual, sums.size_variation)
        scores.append(bad_sign * (series.level[i] - middle) / max(spread, floor))
        total += usual * mean_size * shares[i]
    z, p_value = pooled_score(scores)
    chosen = [i for i, _ in scored]
    first, last = sums.starts[chosen[0]], sums.starts[chosen[-1]]
    return Seasonal(
        first, (last - first).days + grain.days, float(sums.totals[chosen].sum()), total,
        int(sums.events[chosen].sum()), z, p_value,
    )  # fmt: skip
