"""One series, one date, nobody to compare with: a step in a model of the series' own history.

log or level = trend + season + quarter ends + covariates + step after the learning window + noise; the noise is AR(1)
plus a random walk (an unobserved-components model whose level may drift). How strong trend and season are, how long the
noise remembers and how far the level drifts are not known, so none of it is plugged in: the restricted likelihood is
integrated over a grid of all of them (Bayesian model averaging: Hoeting et al. 1999, Statist. Sci. 14(4)). Trend and
calendar terms have normal priors whose spread is on the grid too, so a series without a season does not pay for one;
level, covariates and step have none, so the effect itself is never shrunk. Priors were chosen on simulated
series, so that a drifting one is seldom mistaken for an effect (benchmarks/, on other seeds).
REML: Turner et al. 2021, doi 10.1186/s12874-021-01364-0; marginal posterior of a coefficient: Box, Tiao 1973, ch. 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product

import numpy as np
from scipy import optimize, special

from metrics.question import Floats

RHOS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.96)
Spreads = tuple[tuple[float, float], ...]
DRIFTS: Spreads = ((0.0, 0.4), (0.008, 0.075), (0.013, 0.225), (0.02, 0.225), (0.032, 0.075))
"""(Standard deviation of one week's step of the walk on the log scale, prior weight): 0.01 is 1 % a week, 7 % a year.

A spike at no drift and a slab that is clearly apart from it (Ishwaran, Rao 2005, Ann. Statist. 33(2))."""
NO_DRIFT: Spreads = ((0.0, 1.0),)
PRIORS: Mapping[str, Spreads] = {
    "trend": ((0.005, 0.3), (0.08, 0.5), (0.4, 0.2)),
    "season": ((0.005, 0.3), (0.06, 0.4), (0.25, 0.3)),
    "quarter": ((0.005, 0.3), (0.15, 0.7)),
}
"""Kind of column → (spread of its coefficients on the log scale, prior weight); trend is per year: 0.1 is ±10 %.

A spread of 0.005 is as good as no such term."""
USUAL_NOISE = 0.1
"""What spreads and steps are held against where there is no log scale: 0.1 is then one noise standard deviation."""
FLAT = ("level", "covariate", "step")
TENTATIVE = (0.25, 0.25)
"""Prior weight of one tentative column being there, shared by all, and the spread of its coefficient on the log scale.

Figures in the last weeks before a go-live that are no part of the usual level: a dip or a rush of ±25 %."""
NEGLIGIBLE = 1e-6
ROUNDING = 1e-10
"""Share of the outcome's squares that is never explained: a series without any noise still has rounding."""


@dataclass(frozen=True)
class Posterior:
    """A mixture of t distributions for the step: one per grid point. rho, drift: their posterior means."""

    weight: Floats
    mean: Floats
    scale: Floats
    df: int
    rho: float
    drift: float

    def tail(self, value: float) -> float:
        """P(step > value)."""
        return float(np.sum(self.weight * special.stdtr(self.df, (self.mean - value) / self.scale)))

    def quantile(self, share: float) -> float:
        """The step's quantile."""
        reach = float(special.stdtrit(self.df, 1 - 1e-9)) * self.scale
        ends = float((self.mean - reach).min()), float((self.mean + reach).max())
        return float(optimize.brentq(lambda value: 1 - self.tail(value) - share, *ends, xtol=1e-9, rtol=1e-9))

    def interval(self, level: float) -> tuple[float, float]:
        """The central interval."""
        return self.quantile((1 - level) / 2), self.quantile((1 + level) / 2)

    def p_value(self) -> float:
        """Two-sided: twice the smaller tail at no effect."""
        above = self.tail(0.0)
        return float(min(1.0, 2 * min(above, 1 - above)))

    @property
    def centre(self) -> float:
        """The posterior mean of the step."""
        return float(np.sum(self.weight * self.mean))

    @property
    def spread(self) -> float:
        """The posterior standard deviation of the step, ignoring the t's heavier tails."""
        return float(np.sqrt(np.sum(self.weight * (self.scale**2 + (self.mean - self.centre) ** 2))))


def whiten(columns: Floats, slots: tuple[int, ...], steps: tuple[float, ...]) -> tuple[Floats, Floats]:
    """Columns (n, m) freed of the noise's correlation at every grid point (K, n, m), and ½ log|V| (K).

    A Kalman filter over the two states (AR(1) of variance 1; walk with the given step), all grid points at once; what
    it returns are standardised one-step errors, L⁻¹·columns of the covariance's Cholesky factor. Gaps are allowed.
    """
    rho = np.tile(RHOS, len(steps))
    drift = np.repeat(np.square(steps), len(RHOS))
    level, walk = np.zeros((len(rho), columns.shape[1])), np.zeros((len(rho), columns.shape[1]))
    var_level, var_walk, covariance = np.ones(len(rho)), drift.copy(), np.zeros(len(rho))
    out, half_log_det = np.empty((len(rho), *columns.shape)), np.zeros(len(rho))
    for k, slot in enumerate(slots):
        if k:
            gap = slot - slots[k - 1]
            decay = rho**gap
            level = level * decay[:, None]
            var_level, covariance = 1 - decay**2 * (1 - var_level), covariance * decay
            var_walk = var_walk + drift * gap
        spread = var_level + 2 * covariance + var_walk
        error = columns[k] - level - walk
        out[:, k] = error / np.sqrt(spread)[:, None]
        half_log_det += 0.5 * np.log(spread)
        gain_level, gain_walk = (var_level + covariance) / spread, (covariance + var_walk) / spread
        level, walk = level + gain_level[:, None] * error, walk + gain_walk[:, None] * error
        var_level, covariance, var_walk = (
            var_level - gain_level**2 * spread,
            covariance - gain_level * gain_walk * spread,
            var_walk - gain_walk**2 * spread,
        )
    return out, half_log_det


def log_prior(drifts: Spreads) -> Floats:
    """Log prior mass of every noise: the drift's own, autocorrelation ∝ 1 − ρ."""
    share = np.array([weight for _, weight in drifts])
    return np.asarray(np.log(np.repeat(share, len(RHOS)) * np.tile(1 - np.asarray(RHOS), len(drifts))))


@lru_cache(maxsize=256)
def precisions(kinds: tuple[str, ...]) -> tuple[Floats, Floats]:
    """Spread⁻² of the coefficients (C, p; flat: 0) for every combination of spreads, and log prior weights (C)."""
    shrunk = [kind for kind in PRIORS if kind in kinds]
    rows, weights = [], []
    for chosen in product(*(PRIORS[kind] for kind in shrunk)):
        spread = {kind: value for kind, (value, _) in zip(shrunk, chosen, strict=True)}
        rows.append([0.0 if kind in FLAT else spread[kind] ** -2 for kind in kinds])
        weights.append(sum(np.log(weight) for _, weight in chosen))
    return np.array(rows), np.array(weights, dtype=float)


@dataclass(frozen=True)
class Grid:
    """What is left of some columns and of the outcome, everything else integrated out, at every point of the grid.

    left: (K, C, m, m), cross products of the columns of interest (first those that may be there, last the outcome).
    log_weight: (K, C) of each point. tentative: how many of the columns may be there or not (`TENTATIVE`).
    free: observations less the columns nothing is known of, not counting those of interest. noise: as in `reduced`.
    """

    left: Floats
    log_weight: Floats
    tentative: int
    free: int
    noise: float
    drifts: Spreads


def reduced(
    y: Floats, x: Floats, kinds: Sequence[str], interest: Floats, slots: tuple[int, ...], noise: float = USUAL_NOISE,
    weeks: float = 1.0, drifts: Spreads = DRIFTS, tentative: int = 0,
) -> Grid:  # fmt: skip
    """y: (n,). x: (n, p), its flat columns of full rank. kinds: of each column, a key of PRIORS or one of FLAT.

    interest: (n, q), the columns asked about. slots: where each observation stands, gaps allowed. noise: about how
    large it is, in the unit of PRIORS. weeks: length of a slot. tentative: columns of interest, the first ones, that
    may be there or not.
    """
    n, p = x.shape
    relative = tuple(step * np.sqrt(weeks) / noise for step, _ in drifts)
    white, half_log_det = whiten(np.column_stack([x, interest, y]), slots, relative)
    inverse_squares, log_weight = precisions(tuple(kinds))
    prior = noise**2 * inverse_squares
    gram = np.swapaxes(white, 1, 2) @ white
    gram[:, -1, -1] *= 1 + ROUNDING
    # One Cholesky factor of [X'X + P, X'Z; Z'X, Z'Z] holds the determinant, and what is left of Z without X.
    likely = np.zeros(interest.shape[1] + 1)
    likely[:tentative] = (noise / TENTATIVE[1]) ** 2
    padded = np.column_stack([prior, np.tile(likely, (len(prior), 1))])
    factor = np.linalg.cholesky(gram[:, None] + np.eye(p + len(likely)) * padded[None, :, None, :])
    below = factor[..., p:, p:]
    left = below @ np.swapaxes(below, 2, 3) - np.diag(likely)
    log_precision = np.log(prior, out=np.zeros_like(prior), where=prior > 0).sum(1)
    weight = (
        log_prior(drifts)[:, None] + log_weight + 0.5 * log_precision - half_log_det[:, None]
        - np.log(np.einsum("kcii->kci", factor[..., :p, :p])).sum(-1)
    )  # fmt: skip
    return Grid(left, weight, tentative, n - sum(kind in FLAT for kind in kinds), noise, drifts)


def without_tentative(grid: Grid) -> Grid:
    """The same when none of the tentative columns is there."""
    return replace(grid, left=grid.left[..., grid.tentative :, grid.tentative :], tentative=0)


def coefficient(grid: Grid, basis: Floats | None = None) -> tuple[Posterior, Floats]:
    """The posterior of the last column of interest, and the weight of every tentative column; the first of none.

    basis: (q, q) of the columns of interest that are no tentative ones: the columns to use instead, as combinations of
    them; its last is the one asked about. At most one tentative column is there at a time.
    """
    wanted = grid.left.shape[-1] - 1 - grid.tentative
    turn = np.eye(wanted + 1)
    turn[:wanted, :wanted] = np.eye(wanted) if basis is None else basis
    df = grid.free - wanted
    parts = [_one(grid, turn, df, None), *(_one(grid, turn, df, k) for k in range(grid.tentative))]
    weight, mean, scale = (np.stack(each) for each in zip(*parts, strict=True))
    weight = np.exp(weight - weight.max())
    weight /= weight.sum()
    kept = weight > NEGLIGIBLE * weight.max()
    by_noise = weight.sum((0, 2))
    steps = [step for step, _ in grid.drifts]
    rho, drift = float(by_noise @ np.tile(RHOS, len(steps))), float(by_noise @ np.repeat(steps, len(RHOS)))
    found = Posterior(weight[kept] / weight[kept].sum(), mean[kept], scale[kept], df, rho, drift)
    return found, np.asarray(weight.sum((1, 2)))


def _one(grid: Grid, turn: Floats, df: int, tentative: int | None) -> tuple[Floats, Floats, Floats]:
    """Log weight, mean and scale (K, C) with one tentative column, or with none of them.

    One Cholesky factor of [X'X + P, X'y; y'X, y'y] holds determinant, residual sum and the last coefficient.
    """
    t = grid.tentative
    own = np.swapaxes(turn, 0, 1) @ grid.left[..., t:, t:] @ turn
    weight = grid.log_weight
    share, spread = TENTATIVE
    if tentative is None:
        squares = own
        weight = weight + (np.log(1 - share) if t else 0.0)
    else:
        precision = (grid.noise / spread) ** 2
        beside = grid.left[..., tentative, t:] @ turn
        corner = grid.left[..., tentative, tentative] + precision
        squares = np.block([[corner[..., None, None], beside[..., None, :]], [beside[..., :, None], own]])
        weight = weight + np.log(share / t) + 0.5 * np.log(precision)
    factor = np.linalg.cholesky(squares)
    diagonal, q = np.einsum("kcii->kci", factor), squares.shape[-1] - 1
    weight = weight - np.log(diagonal[..., :q]).sum(-1) - df * np.log(diagonal[..., q])
    return weight, factor[..., q, q - 1] / diagonal[..., q - 1], diagonal[..., q] / np.sqrt(df) / diagonal[..., q - 1]


def fit(
    y: Floats, x: Floats, kinds: Sequence[str], slots: tuple[int, ...], noise: float = USUAL_NOISE, weeks: float = 1.0,
    drifts: Spreads = DRIFTS,
) -> Posterior:  # fmt: skip
    """The posterior of the step, the last column of x and of kinds; everything else is integrated out (`reduced`)."""
    return coefficient(reduced(y, x[:, :-1], kinds[:-1], x[:, -1:], slots, noise, weeks, drifts))[0]


def means(
    y: Floats, x: Floats, kinds: Sequence[str], slots: tuple[int, ...], noise: float = USUAL_NOISE, weeks: float = 1.0,
    drifts: Spreads = DRIFTS,
) -> Floats:  # fmt: skip
    """Posterior means of all coefficients; the last column is the step (arguments as of `reduced`)."""
    n, p = x.shape
    relative = tuple(step * np.sqrt(weeks) / noise for step, _ in drifts)
    white, half_log_det = whiten(np.column_stack([x, y]), slots, relative)
    inverse_squares, log_weight = precisions(tuple(kinds))
    prior = noise**2 * inverse_squares
    gram = np.swapaxes(white, 1, 2) @ white
    gram[:, -1, -1] *= 1 + ROUNDING
    squares = gram[:, None, :p, :p] + np.eye(p) * prior[None, :, None, :]
    found = np.linalg.solve(squares, np.broadcast_to(gram[:, None, :p, p:], (*squares.shape[:3], 1)))[..., 0]
    left = gram[:, None, p, p] - (found * gram[:, None, :p, p]).sum(-1)
    left = np.maximum(left, ROUNDING * gram[:, None, p, p])
    log_precision = np.log(prior, out=np.zeros_like(prior), where=prior > 0).sum(1)
    df = n - sum(kind in FLAT for kind in kinds)
    weight = (
        log_prior(drifts)[:, None] + log_weight + 0.5 * log_precision - half_log_det[:, None]
        - 0.5 * np.linalg.slogdet(squares)[1] - 0.5 * df * np.log(left)
    )  # fmt: skip
    weight = np.exp(weight - weight.max())
    return np.asarray((weight[..., None] * found).sum((0, 1)) / weight.sum())


def residual_spread(y: Floats, x: Floats) -> float:
    """Standard deviation of what least squares leave of y; a first idea of the noise."""
    residual = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return float(np.sqrt(np.sum(residual**2) / max(len(y) - x.shape[1], 1)))
