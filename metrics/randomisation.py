"""Few teams: the interval is every effect under which the actual go-live dates look like any other draw of dates.

Randomisation inference by test inversion (Fisher's sharp null; Ding, Feller, Miratrix 2016; for staggered adoption
Roth and Sant'Anna 2023, J. Polit. Econ. Microecon. 1(4)): dates are exchanged between teams, and for each candidate
effect the cells after go-live are relieved of it first.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from math import factorial

import numpy as np

from metrics.question import Floats, Ints
from metrics.staggered import Cells, effects

DRAWS = 999
NODES = 9


@dataclass(frozen=True)
class Randomised:
    """low, high: the interval for the effect (log ratio or difference); p_value of no effect; draws made."""

    low: float
    high: float
    p_value: float
    draws: int


def draw_assignments(teams: int, schedule: Ints, seed: int, draws: int = DRAWS) -> Ints:
    """(R, G) permutations of the teams, the actual order first; all distinct ones when there are few.

    schedule: code of each team's dates; teams that share dates are interchangeable.
    """
    if teams <= 6 and factorial(teams) <= draws:
        every = np.array(list(permutations(range(teams))))
        _, first = np.unique(schedule[every], axis=0, return_index=True)
        rest = every[np.sort(first)]
        return rest[np.argsort([0 if np.array_equal(schedule[p], schedule) else 1 for p in rest], kind="stable")]
    rng = np.random.default_rng([seed, teams])
    drawn = np.argsort(rng.random((draws, teams)), axis=1)
    return np.vstack([np.arange(teams)[None], drawn])


def invert(cells: Cells, effect: float, schedule: Ints, min_untreated: int, level: float, seed: int) -> Randomised:
    """Interval of the given level for the effect, by inverting the permutation test.

    Cells nobody can use as they happened (learning windows, partial exposure) stay out under every order. The
    statistic is the estimate itself; between NODES candidate effects each draw's statistic is interpolated.
    """
    orders = draw_assignments(cells.num.shape[0], schedule, seed)
    known = cells.before | cells.after
    before = (cells.before[orders] & known[None]).astype(float)
    enough = (before * (cells.den > 0)).sum(1) >= min_untreated
    after = (cells.after[orders] & known[None]).astype(float) * enough[:, None, :]

    def statistics(candidate: float) -> Floats:
        """The estimate under every order once the treated cells are relieved of the candidate effect."""
        if cells.multiplicative:
            num = np.where(cells.after, cells.num / np.exp(candidate), cells.num)
        else:
            num = np.where(cells.after, cells.num - candidate * cells.den, cells.num)
        relieved = Cells(num, cells.den, cells.before, cells.after, cells.multiplicative)
        return effects(relieved, before, after)[0]

    centred = statistics(effect)
    spread = float(np.nanmax(np.abs(centred[1:]))) if len(orders) > 1 else 0.0
    if not np.isfinite(spread) or spread <= 0:
        return Randomised(float("nan"), float("nan"), float("nan"), len(orders))
    nodes = effect + np.linspace(-2.5, 2.5, NODES) * spread
    drawn = np.vstack([statistics(node) for node in nodes])
    return _read_off(effect, nodes, drawn, level, len(orders))


def _read_off(effect: float, nodes: Floats, drawn: Floats, level: float, draws: int) -> Randomised:
    """Interval and p-value from the statistics (NODES, R) of every order at every node; column 0 is the actual one."""
    drawn = drawn[:, np.isfinite(drawn).all(0)]

    def share(candidate: float) -> float:
        """Two-sided p-value of a candidate effect."""
        place = np.clip(np.searchsorted(nodes, candidate) - 1, 0, len(nodes) - 2)
        part = (candidate - nodes[place]) / (nodes[place + 1] - nodes[place])
        values = drawn[place] * (1 - part) + drawn[place + 1] * part
        own = abs(effect - candidate)
        return float((1 + np.sum(np.abs(values[1:]) >= own - 1e-9)) / (1 + len(values) - 1))

    grid = np.linspace(nodes[0], nodes[-1], 801)
    inside = np.array([share(x) for x in grid]) > 1 - level
    if not inside.any():
        return Randomised(float("nan"), float("nan"), share(0.0), draws)
    low, high = float(grid[inside][0]), float(grid[inside][-1])
    low = float("-inf") if inside[0] else low
    high = float("inf") if inside[-1] else high
    p_value = share(0.0) if nodes[0] <= 0 <= nodes[-1] else 1.0 / drawn.shape[1]
    return Randomised(low, high, p_value, draws)
