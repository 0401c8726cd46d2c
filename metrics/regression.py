"""The regression of one series: its columns, what stands in their way, and what is known of them (`series.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from metrics import quasi, series
from metrics.finding import Unmeasured
from metrics.line import Line, line_of
from metrics.panel import Rows
from metrics.question import Bools, Floats, Ints, Question
from metrics.seasons import YEAR_DAYS, calendar_terms

MIN_NOISE, FLATTEST = 1e-3, 1e-9
SAME_AS_STEP = 0.999
AHEAD_DAYS = (7, 14, 21, 28, 35, 42, 56, 70, 91)
"""How long before a go-live figures may be no part of the usual level: work put off, or hurried, for its sake."""


@dataclass(frozen=True)
class Regression:
    """A regression ready to fit: outcome, columns but for the step and their kinds, step, places of the slots.

    ahead: columns of the last slots before go-live, one a window. weight: how much each slot tells, on average 1.
    likelihood: the one y and weight come from; empty: y is the value. notes: columns that had to be left out.
    """

    line: Line
    y: Floats
    x: Floats
    kinds: tuple[str, ...]
    step: Floats
    ahead: Floats
    places: Ints
    weight: Floats
    likelihood: str = ""
    notes: tuple[str, ...] = ()

    @property
    def is_after(self) -> Bools:
        """Which of the slots lie after."""
        return self.step > 0


def regression(question: Question, rows: Rows) -> Regression | Unmeasured:
    """The regression for a question, or what stands in its way."""
    return regression_of(question, rows, line_of(question, rows))


def regression_of(question: Question, rows: Rows, line: Line) -> Regression | Unmeasured:
    """The same for a series made already."""
    lacking = _lacking(line)
    if lacking is not None:
        return lacking
    x, kinds, notes = design(question, rows, line)
    step = line.after[line.used].astype(float)
    if not is_estimable(x, kinds, step):
        words = f"{int(line.used.sum())} periods are too few to tell a change from trend and level."
        return Unmeasured("too_few_periods", words)
    y, weight, likelihood, line = _outcome(line, np.column_stack([x, step]))
    return Regression(line, y, x, kinds, step, _ahead(line), np.flatnonzero(line.used), weight, likelihood, notes)


def _lacking(line: Line) -> Unmeasured | None:
    """A side without periods to compare."""
    if not line.after.any():
        return Unmeasured(
            "nothing_after", "No whole period lies after the learning window with anything recorded in it."
        )
    if line.before.sum() < 3:
        number = int(line.before.sum())
        words = f"Only {number or 'no'} whole period{'' if number == 1 else 's'} before the go-live; three are needed."
        return Unmeasured("nothing_before", words.replace("Only no", "No"))
    return None


def design(question: Question, rows: Rows, line: Line) -> tuple[Floats, tuple[str, ...], tuple[str, ...]]:
    """Columns but for the step, of full rank, their kinds (level, trend, calendar, covariate), what is left out."""
    middle = (line.edges[:-1].astype(float) + line.edges[1:].astype(float)) / 2
    trend = (middle - middle.mean()) / YEAR_DAYS
    calendar, kinds = calendar_terms(line.edges, question.fiscal_start_month)
    parts, kinds = [np.ones((len(trend), 1)), trend[:, None], calendar], ("level", "trend", *kinds)
    notes: tuple[str, ...] = ()
    if question.covariates is not None:
        covariates, notes = _without_step(question, _covariates(question, rows, line), line)
        parts.append(covariates)
        kinds += ("covariate",) * covariates.shape[1]
    x = np.column_stack(parts)[line.used]
    kept: list[int] = []
    for column in range(x.shape[1]):
        trial = x[:, [*kept, column]]
        if np.linalg.matrix_rank(trial, tol=1e-8 * np.sqrt(len(trial))) == len(kept) + 1:
            kept.append(column)
    return np.asarray(x[:, kept]), tuple(kinds[column] for column in kept), notes


def _covariates(question: Question, rows: Rows, line: Line) -> Floats:
    """Covariates averaged over each slot, logged when the outcome is and they can be, centred and scaled."""
    assert question.covariates is not None
    place = np.searchsorted(line.edges, rows.day, side="right") - 1
    inside = (place >= 0) & (place < len(line.value))
    count = np.bincount(place[inside], minlength=len(line.value))
    columns = []
    for column in question.covariates[rows.picked].T:
        total = np.bincount(place[inside], weights=column[inside], minlength=len(line.value))
        mean = total / np.maximum(count, 1)
        if line.log and (mean[count > 0] > 0).all():
            mean = np.log(np.where(count > 0, mean, 1.0))
        centre, spread = mean[count > 0].mean(), mean[count > 0].std()
        columns.append((mean - centre) / (spread if spread > 0 else 1.0))
    return np.column_stack(columns)


def _without_step(question: Question, covariates: Floats, line: Line) -> tuple[Floats, tuple[str, ...]]:
    """The covariates but for those that say, alone or with the ones kept, the same as the go-live does."""
    step = line.after[line.used].astype(float)
    step = step - step.mean()
    kept: list[int] = []
    notes = []
    for column in range(covariates.shape[1]):
        trial = covariates[line.used][:, [*kept, column]]
        trial = trial - trial.mean(0)
        left = step - trial @ np.linalg.lstsq(trial, step, rcond=None)[0]
        if (left**2).sum() > (1 - SAME_AS_STEP) * (step**2).sum():
            kept.append(column)
            continue
        name = question.covariate_names[column] if column < len(question.covariate_names) else f"covariate {column + 1}"
        notes.append(
            f"{name} says the same as the go-live and is left out: the change told may as well be that of {name}."
        )
    return covariates[:, kept], tuple(notes)


def _outcome(line: Line, x: Floats) -> tuple[Floats, Floats, str, Line]:
    """What to regress and each slot's weight: by the likelihood of counts and shares, else log or level, all alike."""
    value, alike = line.value[line.used], np.ones(int(line.used.sum()))
    if line.likelihood:
        made = quasi.working(line.num[line.used], line.den[line.used], x, line.likelihood == quasi.NAMES["proportion"])
        if made is not None:
            return *made, line.likelihood, line
        line = replace(line, log=bool((value > 0).all()), likelihood="")
    return np.log(value) if line.log else value, alike, "", line


def is_estimable(x: Floats, kinds: Sequence[str], step: Floats) -> bool:
    """Whether the step can be told from the columns nothing is known of beforehand, with observations to spare."""
    flat = np.column_stack([x[:, [kind in series.FLAT for kind in kinds]], step])
    return bool(len(flat) > flat.shape[1] + 3 and np.linalg.matrix_rank(flat) == flat.shape[1])


def is_flat(y: Floats) -> bool:
    """Whether nothing ever moved, but for rounding."""
    return bool(np.ptp(y) <= FLATTEST * max(float(np.abs(y).max()), FLATTEST))


def _ahead(line: Line) -> Floats:
    """(n, W): the last slots before go-live, one column a window; none where a slot is a year."""
    before = line.before[line.used]
    number, place = int(before.sum()), np.cumsum(before) - 1
    slots = sorted({round(days / line.slot_days) for days in AHEAD_DAYS})
    columns = [before & (place >= number - k) for k in slots if 0 < k <= number // 3]
    return np.column_stack(columns).astype(float) if columns else np.zeros((len(before), 0))


def grid(made: Regression, interest: Floats, *, tentative: int = 0, kept: Bools | None = None,
         columns: Sequence[int] | None = None) -> series.Grid:  # fmt: skip
    """What is known of some columns beside the regression's own (or of some of those), in some of the slots."""
    kept = np.ones(len(made.y), dtype=bool) if kept is None else kept
    own = np.arange(made.x.shape[1]) if columns is None else np.asarray(columns)
    asked = interest[:, tentative:]
    y, x, noise, weeks = scaled(made, made.x[:, own], asked if asked.shape[1] == 1 else made.step[:, None], kept)
    return series.reduced(
        y, x, [made.kinds[column] for column in own], interest[kept] * np.sqrt(made.weight[kept])[:, None],
        tuple(int(p) for p in made.places[kept]), noise, weeks, tentative=tentative,
    )  # fmt: skip


def scaled(made: Regression, x: Floats, step: Floats, kept: Bools | None = None) -> tuple[Floats, Floats, float, float]:
    """Outcome and columns times the root of their weights, about how large the noise is, and the weeks of a slot.

    The outcome is centred, which the level takes up and rounding gains by; the noise is what is left beside a step.
    """
    kept = np.ones(len(made.y), dtype=bool) if kept is None else kept
    root = np.sqrt(made.weight[kept])
    y, x = (made.y[kept] - made.y[kept].mean()) * root, x[kept] * root[:, None]
    beside = np.column_stack([x, step[kept] * root[:, None]])
    noise = max(series.residual_spread(y, beside), MIN_NOISE) if made.line.log else series.USUAL_NOISE
    return y, x, noise, made.line.slot_days / 7 if made.line.log else 1.0
