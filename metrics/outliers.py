"""A single period far above its neighbours: something loaded twice, rather than a change."""

from __future__ import annotations

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
    ratio = np.array([_against_neighbours(value[known], k) for k in range(len(known))])
    logs = np.log(ratio)
    usual = max(float(np.median(np.abs(logs - np.median(logs)))), 1e-9)
    found = np.flatnonzero((ratio >= FACTOR) & (logs > CLEAR * usual))
    places = known[found]
    if len(places) > MOST or _comes_every_year(edges[places]):
        return []
    return [(int(place), float(ratio[k])) for place, k in zip(places, found, strict=True)]


def _against_neighbours(value: Floats, place: int) -> float:
    """A value against the median of those before it or after it, whichever is larger: a new level is no odd period."""
    around = value[max(place - NEIGHBOURS, 0) : place], value[place + 1 : place + 1 + NEIGHBOURS]
    return float(value[place] / max(np.median(side) for side in around if len(side)))


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
