"""Times that have not ended yet, of many cohorts at once: Kaplan–Meier medians and Aalen–Johansen shares.

A cohort is the cases of one period and segment; `cell` is its code. All arrays hold one case each, sorted by time, at
the same time those that ended first: so every cohort is in order as soon as the cases are gathered by cell, which
needs no comparison of times. Cases that end at the same time are taken one by one, which gives the same curve:
(1 - 1/n)(1 - 1/(n-1)) = 1 - 2/n.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metrics.question import Bools, Floats, Ints

Z = 1.959963984540054
TIE = 1e-9
"""A curve that lies this little above a half has reached it; its steps are larger, errors of rounding smaller."""


@dataclass(frozen=True)
class Cohorts:
    """Cases gathered by cell. order: their places in the arrays given; at_risk: how many were left in the cell."""

    cell: Ints
    order: Ints
    at_risk: Ints
    sizes: Ints

    def so_far(self, terms: Floats, cell: Ints) -> Floats:
        """Sum of the terms (one a case, in the order of `cell`) up to each case of the same cell."""
        total = np.cumsum(terms)
        firsts = np.searchsorted(cell, np.arange(len(self.sizes)))
        return np.asarray(total - np.r_[0.0, total][firsts][cell])

    def counts(self, wanted: Bools) -> Ints:
        """How many wanted cases each cell holds."""
        return np.bincount(self.cell[wanted[self.order]], minlength=len(self.sizes))

    def totals(self, amounts: Ints) -> Floats:
        """The sum of whole amounts in each cell: of two parts, each of which floats add up exactly."""
        high, low = np.divmod(amounts[self.order], 2**20)
        return np.asarray(
            np.bincount(self.cell, high, len(self.sizes)) * 2**20 + np.bincount(self.cell, low, len(self.sizes))
        )


def gathered(cell: Ints, cells: int, kept: Ints) -> Cohorts:
    """The cases at the places `kept`, of which `cell` tells the codes, gathered by cell and else in the same order."""
    order = _stable_order(cell, cells)
    placed = cell[order]
    sizes = np.bincount(cell, minlength=cells)
    return Cohorts(placed, kept[order], np.cumsum(sizes)[placed] - np.arange(len(cell)), sizes)


def _stable_order(cell: Ints, cells: int) -> Ints:
    """Sixteen bits at a time: numpy sorts those by counting, not by comparing."""
    order = np.argsort(cell.astype(np.uint16), kind="stable")
    if cells <= 2**16:
        return order
    return np.asarray(order[np.argsort((cell >> 16).astype(np.uint16)[order], kind="stable")])


def medians(cohorts: Cohorts, time: Floats, ended: Bools) -> tuple[Floats, Floats, Floats]:
    """Median of each cell and the ends of its interval; NaN where the curve, or the band, does not come down to a half.

    Kaplan–Meier 1958; the interval inverts the log(-log) band (Brookmeyer and Crowley 1982; Greenwood's variance).
    """
    kept = np.flatnonzero(ended[cohorts.order])
    cell, at_risk = cohorts.cell[kept], cohorts.at_risk[kept].astype(float)
    is_last = at_risk == 1
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        # the last case takes the curve to 0, whose logarithm would drown that of the other cells
        log_survival = cohorts.so_far(np.where(is_last, 0.0, np.log1p(-1.0 / at_risk)), cell)
        greenwood = cohorts.so_far(np.where(is_last, 0.0, 1.0 / (at_risk * (at_risk - 1.0))), cell)
        half_width = Z * np.sqrt(greenwood) / np.abs(log_survival)
        survival = np.exp(log_survival)
        reached = (
            is_last | (survival <= 0.5 + TIE),
            is_last | (survival ** np.exp(half_width) <= 0.5 + TIE),
            ~is_last & (survival ** np.exp(-half_width) <= 0.5 + TIE),
        )
    times = time[cohorts.order[kept]]
    value, low, high = (_first(times, cell, at, len(cohorts.sizes)) for at in reached)
    return value, low, high


def _first(values: Floats, cell: Ints, wanted: Bools, cells: int) -> Floats:
    """The first wanted value of each cell; NaN where there is none."""
    places = np.flatnonzero(wanted)[::-1]
    found = np.full(cells, np.nan)
    found[cell[places]] = values[places]
    return found


@dataclass(frozen=True)
class Shares:
    """Of each cell, the share that ended in one way by the horizon. half_time: by when half of these had."""

    value: Floats
    ci_low: Floats
    ci_high: Floats
    ended: Ints
    half_time: Floats


def shares(cohorts: Cohorts, time: Floats, ended: Bools, cause: Ints, ways: int, horizon: float) -> list[Shares]:
    """Shares by cell, for each way to end. cause: the way a case ended, of no meaning if it did not.

    Aalen and Johansen 1978: with several ways to end, one minus Kaplan–Meier overstates each. The interval is that of
    log(-log(share)) with the delta-method variance (Marubini and Valsecchi 1995, chapter 10).
    """
    kept = np.flatnonzero((ended & (time <= horizon))[cohorts.order])
    cell, at_risk = cohorts.cell[kept], cohorts.at_risk[kept].astype(float)
    own_cause, times = cause[cohorts.order[kept]], time[cohorts.order[kept]]
    step = np.where(at_risk == 1, 0.0, np.log1p(-1.0 / np.maximum(at_risk, 2)))
    survival = np.exp(cohorts.so_far(step, cell) - step)
    cells = len(cohorts.sizes)
    made = []
    for way in range(ways):
        is_own = own_cause == way
        so_far = cohorts.so_far(np.where(is_own, survival / at_risk, 0.0), cell)
        value = np.zeros(cells)
        np.maximum.at(value, cell, so_far)
        rest = value[cell] - so_far
        terms = rest**2 / np.maximum(at_risk * (at_risk - 1.0), 1.0) * (at_risk > 1)
        terms += is_own * (survival**2 * (at_risk - 1.0) / at_risk**3 - 2 * rest * survival / at_risk**2)
        variance = np.maximum(np.bincount(cell, terms, cells), 0.0)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            half_width = np.where(value > 0, Z * np.sqrt(variance) / np.abs(value * np.log(value)), np.nan)
            low, high = (np.where(value < 1, value ** np.exp(sign * half_width), np.nan) for sign in (1, -1))
        half = _first(times, cell, is_own & (so_far >= value[cell] / 2 - 1e-12), cells)
        made.append(Shares(value, low, high, np.bincount(cell[is_own], minlength=cells), half))
    return made
