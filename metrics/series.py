"""One series, one date, nobody to compare with: a step in a model of the series' own history.

log or level = trend + calendar + covariates + step after the learning window + noise. The noise is AR(1), and in the
second model AR(1) + a random walk (an unobserved-components model with drifting level). Neither its autocorrelation
nor its drift is known, so neither is plugged in: the restricted likelihood is integrated over a grid of both, and the
verdict takes the hull of the two intervals. Priors: autocorrelation ∝ 1 − ρ, drift as below; chosen on simulated
series so that a drifting one is seldom mistaken for an effect (benchmarks/verdict.py, on other seeds).
REML: Turner et al. 2021, doi 10.1186/s12874-021-01364-0; marginal posterior of a coefficient: Box, Tiao 1973, ch. 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from metrics.question import Floats

RHOS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.96)
DRIFT_STEPS = (0.0, 0.02, 0.05, 0.08, 0.12, 0.18, 0.27, 0.4)
"""Standard deviations of one step of the walk, in those of the AR(1) noise."""
DRIFT_MEAN = 0.09
"""Mean of the exponential prior on that step, shrinking towards no drift (Simpson et al. 2017, Statist. Sci. 32)."""
NO_DRIFT = (0.0,)


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
        return float(np.sum(self.weight * stats.t.sf((value - self.mean) / self.scale, self.df)))

    def quantile(self, share: float) -> float:
        """The step's quantile, by bisection."""
        reach = 40 * float(self.scale.max())
        low, high = float(self.mean.min()) - reach, float(self.mean.max()) + reach
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (middle, high) if 1 - self.tail(middle) < share else (low, middle)
        return (low + high) / 2

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


def log_prior(steps: tuple[float, ...]) -> Floats:
    """Log prior mass of every grid point; a step stands for the half-way neighbourhood around it."""
    s = np.asarray(steps)
    share = np.ones(1)
    if len(s) > 1:
        edges = np.r_[s[0], (s[1:] + s[:-1]) / 2, s[-1]]
        share = np.diff(-np.exp(-edges / DRIFT_MEAN))
    return np.asarray(np.log(np.repeat(share, len(RHOS)) * np.tile(1 - np.asarray(RHOS), len(s))))


def fit(y: Floats, x: Floats, slots: tuple[int, ...], steps: tuple[float, ...]) -> Posterior:
    """The posterior of the last column's coefficient, noise parameters integrated out over RHOS × steps.

    y: (n,). x: (n, p) of full column rank, n > p + 1. slots: where each observation stands, gaps allowed.
    """
    n, p = x.shape
    white, half_log_det = whiten(np.column_stack([x, y]), slots, steps)
    design, target = white[:, :, :p], white[:, :, p]
    gram = np.swapaxes(design, 1, 2) @ design
    inverse = np.linalg.inv(gram)
    beta = np.einsum("kij,kj->ki", inverse, np.einsum("knp,kn->kp", design, target))
    residual = target - np.einsum("knp,kp->kn", design, beta)
    squares = np.sum(residual**2, axis=1)
    df = n - p
    likelihood = -half_log_det - 0.5 * np.linalg.slogdet(gram)[1] - 0.5 * df * np.log(squares)
    weight = likelihood + log_prior(steps)
    weight = np.exp(weight - weight.max())
    weight /= weight.sum()
    scale = np.sqrt(np.maximum(inverse[:, -1, -1], 0) * squares / df)
    rho = float(np.sum(weight * np.tile(RHOS, len(steps))))
    drift = float(np.sum(weight * np.repeat(steps, len(RHOS))))
    return Posterior(weight, beta[:, -1], scale, df, rho, drift)


def without_drift(posterior: Posterior) -> Posterior:
    """The same under the belief that nothing drifts: only the first step, 0, of DRIFT_STEPS remains."""
    first = slice(0, len(RHOS))
    weight = posterior.weight[first] / posterior.weight[first].sum()
    rho = float(weight @ np.asarray(RHOS))
    return Posterior(weight, posterior.mean[first], posterior.scale[first], posterior.df, rho, 0.0)
