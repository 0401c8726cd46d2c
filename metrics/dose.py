"""Did teams that used it more change more? Each team's effect against its adoption: an association, not a cause.

Weighted least squares of team effects on the dose, weights the inverse squared errors plus what teams differ by anyway
(random-effects meta-regression; Thompson, Higgins 2002, Statist. Med. 21(11)); p-value by exchanging doses.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from metrics import staggered
from metrics.question import Floats, Question
from metrics.teams import Setting, asked

MIN_TEAMS = 6
DRAWS = 1999


def team_effects(setting: Setting) -> tuple[Floats, Floats]:
    """(G,) log ratio (or difference) of actual to expected of every team, NaN without; and its approximate error.

    Errors count records only (Poisson), so that small teams weigh less; what else differs is the regression's business.
    """
    cells, usable = setting.cells, asked(setting)
    team, block = (values[0] for values in staggered.fit(cells, cells.before.astype(float)[None]))
    if cells.multiplicative:
        expected = cells.den * team[:, None] * block[None, :]
    else:
        expected = cells.den * (team[:, None] + block[None, :])
    known = usable & np.isfinite(expected) & (cells.den > 0)
    actual, wanted, exposure = (np.where(known, part, 0.0).sum(1) for part in (cells.num, expected, cells.den))
    rows = np.add.reduceat(setting.panel.rows, setting.first_slot, axis=1)
    after, before = np.where(known, rows, 0).sum(1), np.where(cells.before, rows, 0).sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = np.log(actual / wanted) if cells.multiplicative else (actual - wanted) / exposure
        error = np.sqrt(1 / after + 1 / before)
    bad = ~np.isfinite(effect) | ~np.isfinite(error)
    return np.where(bad, np.nan, effect), np.where(bad, np.nan, error)


def dose_response(question: Question, setting: Setting) -> dict[str, Any] | None:
    """Change in the effect for ten points more adoption, with interval and p-value; None below MIN_TEAMS teams."""
    if question.dose is None:
        return None
    effect, error = team_effects(setting)
    known = np.isfinite(effect) & np.isfinite(question.dose)
    dose = np.asarray(question.dose)[known]
    if known.sum() < MIN_TEAMS or float(np.ptp(dose)) == 0.0:
        return None
    slope, spread, weight = _slope(effect[known], error[known], dose)
    rng = np.random.default_rng([question.seed, int(known.sum())])
    drawn = _weighted_slope(effect[known], weight, rng.permuted(np.tile(dose, (DRAWS, 1)), axis=1))
    p_value = (1 + int(np.sum(np.abs(drawn) >= abs(slope)))) / (DRAWS + 1)
    reach = 1.959964 * spread
    return {
        "per": 0.1, "slope": 0.1 * slope, "slope_low": 0.1 * (slope - reach), "slope_high": 0.1 * (slope + reach),
        "p_value": p_value, "teams": int(known.sum()), "dose_low": float(dose.min()), "dose_high": float(dose.max()),
        "is_multiplicative": setting.cells.multiplicative,
    }  # fmt: skip


def _slope(effect: Floats, error: Floats, dose: Floats) -> tuple[float, float, Floats]:
    """Weighted slope, its error, and the weights; what the teams differ by beyond their errors is added by moments."""
    weight = 1 / error**2
    slope = float(_weighted_slope(effect, weight, dose[None])[0])
    residual = effect - slope * dose
    residual = residual - (weight * residual).sum() / weight.sum()
    between = max(0.0, float((residual**2).sum() / max(len(effect) - 2, 1) - (error**2).mean()))
    weight = 1 / (error**2 + between)
    square = (weight * (dose - (weight * dose).sum() / weight.sum()) ** 2).sum()
    return float(_weighted_slope(effect, weight, dose[None])[0]), float(1 / np.sqrt(square)), weight


def _weighted_slope(effect: Floats, weight: Floats, doses: Floats) -> Floats:
    """Weighted least-squares slope of the effects on each row of doses (draws, teams)."""
    centred = doses - (doses @ weight / weight.sum())[:, None]
    mean = (weight * effect).sum() / weight.sum()
    return np.asarray(centred @ (weight * (effect - mean)) / (centred**2 @ weight))
