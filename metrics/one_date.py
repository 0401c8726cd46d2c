"""One go-live date and no teams to compare with: the series against its own history (`series.py`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from metrics import series
from metrics.finding import NOTHING_LEFT, Finding, Unmeasured, day
from metrics.limits import possible
from metrics.line import Line, levels
from metrics.panel import Rows
from metrics.question import Bools, Question
from metrics.regression import Regression, grid, is_estimable, is_flat, regression
from metrics.seasons import YEAR_DAYS

NORMAL, DETECTABLE = 1.959964, 2.8
"""Errors from zero that a 95 % interval reaches, and of an effect that a 5 % test finds four times in five."""
UNUSUAL, TOLD = 0.15, 0.5
"""How likely it must be that the last weeks before go-live were no part of the usual level, to be allowed for and to
be told; beforehand it is `series.TENTATIVE`."""


@dataclass(frozen=True)
class Step:
    """What is known of the change: usual when the last weeks before count like any others, wary when they may not.

    unusual: how likely it is that they were unusual. slots: of the likeliest such window. size: how far off it was.
    """

    usual: series.Posterior
    wary: series.Posterior
    unusual: float = 0.0
    slots: int = 0

    @property
    def is_unusual(self) -> bool:
        """Whether the last weeks are allowed to have been unusual."""
        return self.unusual >= UNUSUAL

    @property
    def told(self) -> series.Posterior:
        """The one whose centre is told."""
        return self.wary if self.is_unusual else self.usual

    def interval(self, level: float) -> tuple[float, float]:
        """What both allow for: a level that shifted before go-live and one that went back are the same figures."""
        low, high = self.usual.interval(level)
        if not self.is_unusual:
            return low, high
        lower, higher = self.wary.interval(level)
        return min(low, lower), max(high, higher)

    def p_value(self) -> float:
        """Two-sided, of the interval: twice the smaller of the tails, each as large as either of the two has it."""
        above = [each.tail(0.0) for each in (self.usual, self.told)]
        return float(min(1.0, 2 * min(max(above), 1 - min(above))))

    @property
    def error(self) -> float:
        """The larger one."""
        return max(self.usual.spread, self.told.spread)

    @property
    def reach(self) -> float:
        """The error of which a symmetric interval holds that of both."""
        if not self.is_unusual:
            return self.error
        return max(abs(end - self.told.centre) for end in self.interval(0.95)) / NORMAL


def step_of(made: Regression) -> Step:
    """What is known of the step after the learning window."""
    windows = made.ahead.shape[1]
    found = grid(made, np.column_stack([made.ahead, made.step]), tentative=windows)
    usual = series.coefficient(series.without_tentative(found))[0]
    if not windows:
        return Step(usual, usual)
    wary, weights = series.coefficient(found)
    likeliest = int(weights[1:].argmax())
    return Step(usual, wary, float(weights[1:].sum()), int(made.ahead[:, likeliest].sum()))


def figures(question: Question, rows: Rows) -> tuple[float, ...]:
    """Estimate, error, degrees of freedom, value before and after; empty when they cannot be made."""
    made = regression(question, rows)
    if isinstance(made, Unmeasured) or is_flat(made.y):
        return ()
    found = step_of(made)
    return found.told.centre, found.reach, float("inf"), *levels(made.line)


def point(question: Question, rows: Rows) -> tuple[float, float]:
    """Estimate and standard error alone; NaN when they cannot be made."""
    made = regression(question, rows)
    if isinstance(made, Unmeasured) or is_flat(made.y):
        return float("nan"), float("nan")
    found = step_of(made)
    return found.told.centre, found.error


def measure(question: Question, rows: Rows, level: float) -> Finding | Unmeasured:
    """The effect of the go-live on the series, or what stands in the way of fitting the model."""
    made = regression(question, rows)
    if isinstance(made, Unmeasured):
        return made
    line = made.line
    if possible(question)[0] == 0 and not line.num[line.after].any() and line.num[line.before].any():
        return Unmeasured(NOTHING_LEFT, "Only zeros were recorded after the go-live.")
    if is_flat(made.y):
        return finding(question, made, (0.0, 0.0, 0.0, float("nan"), 0.0, float("inf")), {}, ())
    found = step_of(made)
    numbers = (found.told.centre, *found.interval(level), found.p_value(), found.error, float(found.told.df))
    diagnostics: dict[str, Any] = {
        "autocorrelation": round(found.told.rho, 3),
        "drift_step": round(found.told.drift, 3),
        "placebo": placebo(made, line.before[line.used], int(line.after.sum())),
    }
    unusual, words = _unusual(line, found, level)
    return finding(question, made, numbers, diagnostics | unusual, words)


def _unusual(line: Line, found: Step, level: float) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Figures of the last weeks before go-live, and a word when they were likely unusual."""
    known: dict[str, Any] = {"unusual_before": {"likelihood": round(found.unusual, 4), "slots": found.slots}}
    if not found.is_unusual:
        return known, ()
    low, high = found.usual.interval(level)
    known["with_weeks_before"] = {"estimate": found.usual.centre, "low": low, "high": high}
    if found.unusual < TOLD:
        return known, ()
    last = np.flatnonzero(line.before)[-found.slots :]
    usual, seen = np.median(line.value[line.before]), line.value[last].mean()
    how = "high" if seen > usual else "low"
    words = (
        f"From {day(line.edges[last[0]])} to the go-live the figure was unusually {how}; the change is told against "
        "the time before that, and the interval allows for a return to normal."
    )
    return known, (words,)


def finding(
    question: Question, made: Regression, numbers: tuple[float, ...], extra: dict[str, Any], words: tuple[str, ...]
) -> Finding:
    """Values, spans and counts of the slots that were compared."""
    line = made.line
    diagnostics = {
        "period": f"{line.slot_days:.0f} days",
        "scale": "log" if line.log else "level",
        "likelihood": made.likelihood or "normal",
        "value_per": line.value_per,
        "series": _series_table(line),
        **extra,
    }
    missing = {name: int(side.sum()) for name, side in zip(("before", "after"), line.missing, strict=True)}
    if any(missing.values()):
        diagnostics["missing_periods"] = missing
    years = float((line.edges[np.flatnonzero(line.before)[-1] + 1] - line.edges[0]).astype(float)) / YEAR_DAYS
    caveats = (*made.notes, *line.notes, *words)
    if years < 2:
        caveats += ("Fewer than two full years before the go-live: season and effect are hard to tell apart.",)
    if np.isnat(question.go_live).any():
        caveats += ("The teams that did not go live are too few to compare with, and are left out.",)
    theta, low, high, p_value, error, df = numbers
    return Finding(
        "series_averaged", line.log, theta, low, high, p_value, error, df, *levels(line),
        day(line.edges[np.flatnonzero(line.before)[0]]), day(line.edges[np.flatnonzero(line.before)[-1] + 1]),
        day(line.edges[np.flatnonzero(line.after)[0]]), day(line.edges[np.flatnonzero(line.after)[-1] + 1]),
        int(line.rows[line.before].sum()), int(line.rows[line.after].sum()),
        _weeks(line, line.before), _weeks(line, line.after), caveats, diagnostics, possible(question),
    )  # fmt: skip


def _weeks(line: Line, side: Bools) -> float:
    """Weeks covered by the slots of a side."""
    return float(np.diff(line.edges).astype(float)[side].sum()) / 7


def placebo(made: Regression, before: Bools, after_slots: int) -> dict[str, object]:
    """The same test at dates on which nothing went live, inside the period before; how often it finds something."""
    seen = np.flatnonzero(before)
    n = len(seen)
    window = max(4, min(after_slots, n // 4))
    found, detectable = [], []
    for share in (0.45, 0.55, 0.65, 0.75):
        cut = int(n * share)
        kept = np.zeros(len(before), dtype=bool)
        kept[seen[: cut + window]] = True
        step = np.zeros(len(before))
        step[seen[cut : cut + window]] = 1.0
        some = [0, *np.flatnonzero(np.ptp(made.x[kept], axis=0) > 0)]
        kinds = tuple(made.kinds[column] for column in some)
        if not is_estimable(made.x[kept][:, some], kinds, step[kept]) or is_flat(made.y[kept]):
            continue
        moved = series.coefficient(grid(made, step[:, None], kept=kept, columns=some))[0]
        found.append(moved.p_value())
        detectable.append(round(DETECTABLE * moved.spread, 5))
    return {
        "p_values": [round(p, 4) for p in found],
        "rejected": sum(p < 0.05 for p in found),
        "detectable": detectable,
    }


def _series_table(line: Line) -> list[dict[str, object]]:
    """The series itself, for a chart: day, value, side."""
    side = np.where(line.after, "after", np.where(line.before, "before", "left out"))
    return [
        {"start": str(e), "value": None if not np.isfinite(v) else round(float(v), 6), "side": str(s)}
        for e, v, s in zip(line.edges[:-1], line.value, side, strict=True)
    ]
