"""The usual answers, on the same draws: a relative change with its 95 % interval."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import statsmodels.api as sm
from scipy import stats

from benchmarks.processes import World
from metrics.question import Bools, Floats

YEAR_WEEKS = 52.18
LAGS = 4


@dataclass(frozen=True)
class Claim:
    """A relative change with its 95 % interval; NaN where the method gives none."""

    effect: float
    low: float
    high: float

    @property
    def is_change(self) -> bool:
        """Whether the interval excludes no change: what a reader would call an effect."""
        return bool(self.low > 0 or self.high < 0)

    def covers(self, truth: float) -> bool:
        """Whether the interval holds the truth; none does not."""
        return bool(self.low <= truth <= self.high)


NOTHING = Claim(float("nan"), float("nan"), float("nan"))


def weekly(world: World) -> tuple[Floats, Bools]:
    """The company's weekly values in order of time, and which weeks lie after go-live; empty weeks are left out."""
    question = world.question
    week = (question.at.astype("datetime64[D]") - question.at.min().astype("datetime64[D]")).astype(int) // 7
    num = np.bincount(week, weights=question.num)
    den = np.bincount(week, weights=question.den)
    value = num / np.maximum(den, 1) if question.kind not in ("sum", "count") else num
    first_after = int((question.go_live[0] - question.at.min().astype("datetime64[D]")).astype(int)) // 7
    kept = value > 0
    return value[kept], (np.arange(len(value)) >= first_after)[kept]


def welch(world: World) -> Claim:
    """Welch's t-test of the two averages."""
    value, after = weekly(world)
    test = stats.ttest_ind(value[after], value[~after], equal_var=False)
    ends, base = test.confidence_interval(0.95), value[~after].mean()
    return Claim(value[after].mean() / base - 1, ends.low / base, ends.high / base)


def year_over_year(world: World) -> Claim:
    """Each week after against the same week a year earlier, paired t-test."""
    value, after = weekly(world)
    places = np.flatnonzero(after)
    places = places[places >= 52]
    if len(places) < 3:
        return NOTHING
    test = stats.ttest_rel(value[places], value[places - 52])
    ends, base = test.confidence_interval(0.95), value[places - 52].mean()
    return Claim(value[places].mean() / base - 1, ends.low / base, ends.high / base)


def newey_west(world: World) -> Claim:
    """Segmented regression (level, trend, step) with Newey–West errors of four lags."""
    value, after = weekly(world)
    x = np.column_stack([np.ones(len(value)), np.arange(len(value)), after])
    fitted = sm.OLS(np.log(value), x).fit(cov_type="HAC", cov_kwds={"maxlags": LAGS})
    low, high = fitted.conf_int()[2]
    return Claim(*np.expm1([fitted.params[2], low, high]))


def causal_impact(world: World) -> Claim:
    """A CausalImpact port with its defaults: a local level, nothing else."""
    return _causal_impact(world, is_tuned=False)


def causal_impact_tuned(world: World) -> Claim:
    """The same, given a trend and yearly harmonics as covariates."""
    return _causal_impact(world, is_tuned=True)


def _causal_impact(world: World, *, is_tuned: bool) -> Claim:
    import pandas as pd
    from causal_impact import CausalImpact

    value, after = weekly(world)
    t, cut = np.arange(len(value)), int(after.argmax())
    data = pd.DataFrame({"y": value})
    if is_tuned:
        data["trend"] = t / YEAR_WEEKS
        for k in (1, 2):
            data[f"sin{k}"] = np.sin(2 * np.pi * k * t / YEAR_WEEKS)
            data[f"cos{k}"] = np.cos(2 * np.pi * k * t / YEAR_WEEKS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = CausalImpact(data, [0, cut - 1], [cut, len(value) - 1])
    row = found.summary_stats
    base = value[cut:].mean() - row["point_effect_mean"]
    return Claim(*(float(row[name]) / base for name in ("point_effect_mean", "ci_lower", "ci_upper")))


def two_way_fixed_effects(world: World) -> Claim:
    """Log of weekly team counts on team and week effects and a treatment dummy, clustered by team."""
    question = world.question
    teams = len(question.go_live)
    week = (question.at.astype("datetime64[D]") - question.at.min().astype("datetime64[D]")).astype(int) // 7
    weeks = int(week.max()) + 1
    flat = question.unit * weeks + week
    num = np.bincount(flat, weights=question.num, minlength=teams * weeks).reshape(teams, weeks)
    den = np.bincount(flat, weights=question.den, minlength=teams * weeks).reshape(teams, weeks)
    value = num + 0.5 if question.kind in ("sum", "count") else (num + 0.5) / (den + 1)
    days = question.at.min().astype("datetime64[D]") + 7 * np.arange(weeks)
    treated = (days[None, :] >= question.go_live[:, None]).astype(float)
    y, d = _demeaned(np.log(value)), _demeaned(treated)
    effect = float((d * y).sum() / (d * d).sum())
    scores = (d * (y - effect * d)).sum(1)
    error = float(np.sqrt(teams / (teams - 1) * (scores**2).sum())) / float((d * d).sum())
    reach = float(stats.t.ppf(0.975, teams - 1)) * error
    return Claim(*np.expm1([effect, effect - reach, effect + reach]))


def _demeaned(values: Floats) -> Floats:
    """Free of row and column means (a balanced panel)."""
    return np.asarray(values - values.mean(1, keepdims=True) - values.mean(0, keepdims=True) + values.mean())


Opponent = Callable[[World], Claim]
OF_SERIES: Mapping[str, Opponent] = {
    "Welch t": welch, "year over year": year_over_year, "Newey–West": newey_west, "CausalImpact": causal_impact,
    "CausalImpact, tuned": causal_impact_tuned,
}  # fmt: skip
OF_TEAMS: Mapping[str, Opponent] = {"two-way FE": two_way_fixed_effects}
