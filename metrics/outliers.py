"""A single period far above its neighbours: something loaded twice, rather than a change."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from metrics.finding import day
from metrics.question import Floats, Ints, Times

NEIGHBOURS, FACTOR, CLEAR = 4, 1.6, 4.5
MOST = 2
"""More periods than this that stand out are how the company works (a busy week each quarter), not a mistake."""
SAME_SEASON_DAYS, YEAR_DAYS = 15, 365


def outliers(edges: Times, value: Floats) -> list[tuple[int, float]]:
    """Places of the periods that hold at least FACTOR times the median of their NEIGHBOURS on either side, and how many
    times as much; none when such periods come every year or more often.

    Clear of what neighbours differ by anyway: CLEAR times the median absolute deviation of all such ratios, in logs.
    """
    known = np.flatnonzero(np.isfinite(value) & (value > 0))
    if len(known) < 2 * NEIGHBOURS + 2:
        return []
    ratio = value[known] / _neighbours(value[known])
    logs = np.log(ratio)
    usual = max(float(np.median(np.abs(logs - np.median(logs)))), 1e-9)
    found = np.flatnonzero((ratio >= FACTOR) & (logs > CLEAR * usual))
    places = known[found]
    if len(places) > MOST or _comes_every_year(edges[places]):
        return []
    return [(int(place), float(ratio[k])) for place, k in zip(places, found, strict=True)]


def _neighbours(value: Floats) -> Floats:
    """The median of those before each value or after it, whichever is larger: a new level is no odd period."""
    gap = np.full(NEIGHBOURS, np.nan)
    around = np.lib.stride_tricks.sliding_window_view(np.r_[gap, value, gap], NEIGHBOURS)
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        before, after = np.nanmedian(around[: len(value)], axis=1), np.nanmedian(around[NEIGHBOURS + 1 :], axis=1)
    return np.asarray(np.fmax(before, after))


def _comes_every_year(starts: Times) -> bool:
    """Whether two of the days are years apart, give or take SAME_SEASON_DAYS."""
    apart = np.diff(starts.astype("datetime64[D]")).astype(int)
    off: Ints = (apart + SAME_SEASON_DAYS) % YEAR_DAYS
    return bool((off <= 2 * SAME_SEASON_DAYS).any())


def words(edges: Times, found: Sequence[tuple[int, float]]) -> tuple[str, ...]:
    """What to tell of each."""
    return tuple(
        f"The period from {day(edges[place])} holds {ratio:.1f} times what its neighbours hold; was something loaded "
        "twice?"
        for place, ratio in found
    )
