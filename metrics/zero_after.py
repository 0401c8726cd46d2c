"""Nothing at all after a go-live: a fall of 100 %, and how small what is still expected may be.

A logarithm of nothing does not exist, and an interval on the level would promise a fall of more than all. What chance
allows when no event was seen is Poisson's: fewer than −ln(p) were expected (Hanley, Lippman-Hand 1983, JAMA 249(13)),
times the overdispersion of the time before. Half of the error rate pays for that, half for what was to be expected.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from metrics import one_date, quasi, regression, staggered, teams
from metrics.designs import Design
from metrics.finding import Finding, Unmeasured
from metrics.line import Line, levels
from metrics.panel import Rows
from metrics.question import Floats, Question


@dataclass(frozen=True)
class Sides:
    """Sums of every cell before (num counted, not told per week), and how much there is after."""

    num: Floats
    den: Floats
    rows: Floats
    den_after: float
    cells_after: int


def of_line(question: Question, rows: Rows, line: Line, level: float) -> Finding | Unmeasured:
    """The finding on a series that fell to nothing: its time after is filled in, to learn what was to be expected."""
    filled, usual = _filled(question, rows, line)
    made = regression.regression_of(question, rows, filled)
    if isinstance(made, Unmeasured):
        return made
    alpha, centre, low, high = 1 - level, 0.0, 0.0, 0.0
    if not regression.is_flat(made.y):
        step = one_date.step_of(made)
        centre, low, high = step.told.centre, *step.interval(1 - alpha / 2)
    expected = usual * np.exp(-np.array([centre, high, low]))
    num = line.num / (7.0 if line.value_per == "week" else 1.0)
    before, after = line.before, line.after
    sides = Sides(num[before], line.den[before], line.rows[before], float(line.den[after].sum()), int(after.sum()))
    events, dispersion = _events(question, rows, sides)
    weakened = events * expected[1] / levels(line)[0]
    finding = one_date.finding(question, replace(made, line=line), (centre,) * 3 + (1.0, 1.0, 1.0), {}, ())
    return _told(finding, expected, weakened / dispersion, alpha)


def of_teams(question: Question, rows: Rows, design: Design, level: float) -> Finding:
    """The finding on teams that fell to nothing."""
    setting = teams.prepare(question, rows, design)
    cells, usable = setting.cells, teams.asked(setting)
    alpha, count = 1 - level, len(question.go_live)
    kept = np.vstack([np.ones(count), 1 - np.eye(count)])
    weights = (kept[:, :, None] * part[None] for part in (cells.before, usable))
    expected, exposure = staggered.effects(cells, *weights)[1::2]
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.log(expected / exposure)
    error, df = staggered.jackknife_error(float(rate[0]), rate[1:][np.isfinite(rate[1:])])
    reach = float(special.stdtrit(df, 1 - alpha / 4)) * error if np.isfinite(error) else np.inf
    scale = teams.per_team_factor(question, setting.panel, int(setting.focus.sum()))
    told = scale * np.exp(rate[0] + np.array([0.0, -reach, reach]))
    before, after = teams.sides(setting)
    panel = setting.panel
    sides = Sides(
        panel.num[before], panel.den[before], panel.rows[before], float(panel.den[after].sum()), int(after.sum())
    )
    events, dispersion = _events(question, rows, sides)
    weakened = events * float(np.exp(-reach)) * told[0] / teams.levels(question, setting)[0]
    finding = teams.finding(question, setting, design, (0.0, 0.0, 0.0, 1.0, 1.0, float("inf")), {})
    return _told(finding, told, weakened / dispersion, alpha)


def _told(finding: Finding, expected: Floats, events: float, alpha: float) -> Finding:
    """expected: the value to be expected, its lower and its upper end. events: how many, at the least."""
    centre, low, high = (float(value) for value in expected)
    ratio = min(float(-np.log(alpha / 4)) / events, 1e6) if events > 0 else np.inf
    upper = ratio - 1
    p_value = float(min(1.0, 4 * np.exp(-events)))
    ends = -centre, -high, upper * low if np.isfinite(upper) else np.inf
    return replace(
        finding, multiplicative=False, theta=ends[0], low=ends[1], high=ends[2], p_value=p_value, error=float("nan"),
        df=float("inf"), ratios={ends[0]: -1.0, ends[1]: -1.0, ends[2]: upper},
        diagnostics={**finding.diagnostics, "scale": "level", "nothing_after": {"events_expected": events}},
    )  # fmt: skip


def _filled(question: Question, rows: Rows, line: Line) -> tuple[Line, float]:
    """The series with its time after as the time before would have it, and the average of that."""
    x, _, _ = regression.design(replace(question, covariates=None), rows, line)
    before = line.before[line.used]
    value = line.value[line.used]
    smallest = value[before & (value > 0)].min() / 2
    y = np.log(np.maximum(value[before], smallest))
    ridge = np.diag(np.r_[0.0, np.ones(x.shape[1] - 1)])
    fitted = np.exp(x @ np.linalg.solve(x[before].T @ x[before] + ridge, x[before].T @ y))
    fitted *= value[before].mean() / fitted[before].mean()
    value, num = line.value.copy(), line.num.copy()
    places = np.flatnonzero(line.used)[~before]
    value[places] = fitted[~before]
    num[places] = value[places] * line.den[places]
    is_log = bool((value[line.used] > 0).all())
    likelihood = quasi.NAMES.get(question.kind, "")
    usual = float(num[places].sum() / line.den[places].sum())
    return replace(line, value=value, num=num, log=is_log or bool(likelihood), likelihood=likelihood), usual


def _events(question: Question, rows: Rows, sides: Sides) -> tuple[float, float]:
    """How many events the time after would hold at the rate of the time before, and their overdispersion.

    Of counts and shares those counted; of other kinds each record that is not zero is one.
    """
    if question.kind in quasi.NAMES:
        rate = sides.num.sum() / sides.den.sum()
        return float(rate * sides.den_after), _dispersion(sides.num, sides.den)
    go_live = question.go_live[rows.unit]
    early = rows.num[np.isnat(go_live) | (rows.day < go_live)]
    return float(sides.rows.mean() * sides.cells_after * (early != 0).mean()), 1.0


def _dispersion(num: Floats, den: Floats) -> float:
    """Pearson's, at least 1."""
    wanted = den * num.sum() / den.sum()
    known = wanted > 0
    return float(max(1.0, ((num - wanted)[known] ** 2 / wanted[known]).sum() / max(known.sum() - 1, 1)))
