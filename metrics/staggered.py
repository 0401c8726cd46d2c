"""Teams that went live at different dates: what they would have done without it.

Imputation (Borusyak, Jaravel, Spiess 2024, Rev. Econ. Stud. 91(6)): a model of team × time is fitted to the cells no
rollout has touched, and carried into the cells after go-live. Here the model is multiplicative, a Poisson
quasi-likelihood with team and time effects (Wooldridge 2023, Econometrics J. 26(3)): it needs no logarithm, so weeks
without a single deal do no harm, and its fixed point needs only sums (`fit`). Values that may be negative take the
additive model. Errors come from leaving one team out at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metrics.question import Bools, Floats

TOLERANCE = 1e-8
MAX_ROUNDS = 400


@dataclass(frozen=True)
class Cells:
    """Team × block sums; a block is a run of days during which no team changes its state.

    num, den: (G, B). before, after: (G, B), the cells untouched by any rollout, and those past the learning window.
    multiplicative: effects are ratios, else differences of num/den.
    """

    num: Floats
    den: Floats
    before: Bools
    after: Bools
    multiplicative: bool = True


@dataclass(frozen=True)
class Estimate:
    """effect: log ratio (multiplicative) or difference. counterfactual: Σ of what was to be expected, in num's unit.

    actual, exposure: Σ num and Σ den of the cells compared. usable: those cells (G, B).
    """

    effect: float
    counterfactual: float
    actual: float
    exposure: float
    usable: Bools


def fit(cells: Cells, weight: Floats) -> tuple[Floats, Floats]:
    """Team effects (L, G) and block effects (L, B) of the untouched cells, for L sets of weights (L, G, B) at once.

    Multiplicative: num ≈ den·a·b (iterative proportional fitting, the Poisson likelihood's fixed point); additive:
    num/den ≈ a + b, weighted by den. A block or team without weight has NaN.
    """
    size = weight * cells.den
    target = weight * cells.num
    by_team, by_block = target.sum(2), target.sum(1)
    block = np.ones(weight.shape[::2]) if cells.multiplicative else np.zeros(weight.shape[::2])
    has_team, has_block = size.sum(2) > 0, size.sum(1) > 0
    team = np.zeros(weight.shape[:2])
    with np.errstate(divide="ignore", invalid="ignore"):
        for _ in range(MAX_ROUNDS):
            before = block
            if cells.multiplicative:
                team = by_team / (size @ block[:, :, None])[:, :, 0]
                team[~has_team] = 0.0
                block = by_block / (team[:, None, :] @ size)[:, 0, :]
            else:
                team = (by_team - (size @ block[:, :, None])[:, :, 0]) / size.sum(2)
                team[~has_team] = 0.0
                block = (by_block - (team[:, None, :] @ size)[:, 0, :]) / size.sum(1)
            block[~has_block] = 0.0
            scale = np.maximum(np.abs(block), 1e-12) if cells.multiplicative else 1.0
            if np.max(np.abs(block - before) / scale) < TOLERANCE:
                break
    team[~has_team], block[~has_block] = np.nan, np.nan
    return team, block


def effects(cells: Cells, weight: Floats, after: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Effect, counterfactual, actual and exposure (each L) for L weightings of the cells before and after."""
    team, block = fit(cells, weight)
    if cells.multiplicative:
        expected = cells.den * team[:, :, None] * block[:, None, :]
        known = np.isfinite(expected) & (expected > 0) & (after > 0)
    else:
        expected = cells.den * (team[:, :, None] + block[:, None, :])
        known = np.isfinite(expected) & (after > 0) & (cells.den > 0)
    expected = np.where(known, expected, 0.0).sum((1, 2))
    actual = np.where(known, cells.num, 0.0).sum((1, 2))
    exposure = np.where(known, cells.den, 0.0).sum((1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = np.log(actual / expected) if cells.multiplicative else (actual - expected) / exposure
    return effect, expected, actual, exposure


def usable_after(cells: Cells, min_untreated: int) -> Bools:
    """The cells after go-live at times when enough teams were still untouched to tell what was to be expected."""
    has_data = cells.before & (cells.den > 0)
    enough = has_data.sum(0) >= min_untreated
    known = np.asarray(has_data.any(1))
    return np.asarray(cells.after & enough[None, :] & known[:, None])


def estimate(cells: Cells, min_untreated: int) -> Estimate:
    """The pooled effect over all usable cells after go-live."""
    usable = usable_after(cells, min_untreated)
    weight = cells.before.astype(float)[None]
    effect, expected, actual, exposure = effects(cells, weight, usable.astype(float)[None])
    return Estimate(float(effect[0]), float(expected[0]), float(actual[0]), float(exposure[0]), usable)


def without_each(teams: int, groups: int = 80) -> Floats:
    """(L, G): ones but for one team at a time (or, beyond `groups` teams, one of `groups` sets of teams)."""
    owner = np.arange(teams) % min(teams, groups)
    return np.asarray(owner[None, :] != np.arange(min(teams, groups))[:, None], dtype=float)


def leave_one_out(cells: Cells, usable: Bools, groups: int = 80) -> Floats:
    """The effect without each team, or set of teams."""
    kept = without_each(cells.num.shape[0], groups)
    weight = kept[:, :, None] * cells.before[None]
    return effects(cells, weight, kept[:, :, None] * usable[None])[0]


def jackknife_error(effect: float, without: Floats) -> tuple[float, float]:
    """Standard error from leave-one-out effects, around the full estimate (CV3), and its degrees of freedom.

    NaN when the effect hangs on one team, so that without it there is none.
    MacKinnon, Nielsen, Webb 2023, J. Econometrics 232(2), eq. 33.
    """
    k = len(without)
    if k < 2 or not np.isfinite(without).all():
        return float("nan"), float("nan")
    return float(np.sqrt((k - 1) / k * np.sum((without - effect) ** 2))), float(k - 1)
