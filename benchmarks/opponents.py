"""The usual answers, on the same draws: p-values of a before/after difference in one series."""

from __future__ import annotations

import numpy as np
import statsmodels.api as sm
from scipy import stats

from benchmarks.processes import World
from metrics.question import Bools, Floats


def _sides(world: World) -> tuple[Floats, Bools]:
    """Values in order of time, and which weeks lie after go-live."""
    question = world.question
    return question.num, question.at.astype("datetime64[D]") >= question.go_live[0]


def welch(world: World) -> float:
    """Welch's t-test of the two averages."""
    value, after = _sides(world)
    return float(stats.ttest_ind(value[after], value[~after], equal_var=False).pvalue)


def year_over_year(world: World) -> float:
    """Each week after against the same week a year earlier, paired t-test."""
    value, after = _sides(world)
    places = np.flatnonzero(after)
    places = places[places >= 52]
    return float(stats.ttest_rel(value[places], value[places - 52]).pvalue) if len(places) > 2 else 1.0


def newey_west(world: World) -> float:
    """Segmented regression (level, trend, step) with Newey–West(4) errors."""
    value, after = _sides(world)
    x = np.column_stack([np.ones(len(value)), np.arange(len(value)), after])
    fitted = sm.OLS(np.log(value), x).fit(cov_type="HAC", cov_kwds={"maxlags": 4})
    return float(fitted.pvalues[2])
