"""Counts and shares in slots of few records: what their logarithm would be, and how much each slot tells.

Quasi-Poisson and quasi-binomial regression with a log link, so that an effect is a ratio (McCullagh, Nelder 1989,
Generalized Linear Models, ch. 6 and 9): at the fit, iteratively reweighted least squares regress the working response
`log μ + (y − μ)/μ` with weights μ, or nμ/(1 − μ) for shares. Handing those to `series.py` lets its noise remember and
drift, and its free variance is the overdispersion (generalised estimating equations: Liang, Zeger 1986, Biometrika 73).
"""

from __future__ import annotations

import numpy as np

from metrics.question import Floats, Kind

NAMES: dict[Kind, str] = {"count": "quasi-Poisson", "proportion": "quasi-binomial"}
RIDGE = 1.0
"""Precision of every coefficient but the first and the last: a slot pattern nothing is known of stays within reason."""
ROUNDS, CLOSE_ENOUGH, FULLEST, STEEPEST = 60, 1e-9, 0.95, 30.0


def working(num: Floats, den: Floats, x: Floats, is_share: bool) -> tuple[Floats, Floats] | None:
    """(response, weight) a slot: response is on the scale of log(num/den), weights average 1; None without convergence.

    num, den: (n,), den positive: records for shares, time for counts. x: (n, p), the first column the level, the last
    the step; full rank.
    """
    if num.sum() <= 0:
        return None
    penalty = np.full(x.shape[1], RIDGE)
    penalty[[0, -1]] = 0.0
    line = np.full(len(num), np.log(num.sum() / den.sum()))
    for _ in range(ROUNDS):
        mean = np.exp(line)
        weight = den * mean / (1 - np.minimum(mean, FULLEST)) if is_share else den * mean
        response = line + (num / den - mean) / mean
        squares = x.T @ (x * weight[:, None]) + np.diag(penalty)
        found = x @ np.linalg.solve(squares, x.T @ (weight * response))
        moved, line = float(np.max(np.abs(found - line))), found
        if not np.isfinite(found).all() or np.max(np.abs(found)) > STEEPEST:
            return None
        if moved < CLOSE_ENOUGH:
            return response, weight / weight.mean()
    return None
