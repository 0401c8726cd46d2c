"""Checks of single periods: those that are not in the data, and those that hold far too much."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from metrics import one_date, outliers, series
from metrics.checked import Checked
from metrics.designs import Design
from metrics.finding import Finding, Unmeasured
from metrics.line import Line, line_of
from metrics.looks import Look
from metrics.panel import Rows, build, select, slots, spacing
from metrics.question import ADDITIVE_KINDS, Bools, Floats, Question, Times
from metrics.regression import Regression, grid, regression


def odd_periods(question: Question, rows: Rows, design: Design) -> Checked:
    """A period that holds about twice what its neighbours hold; in the total of all units where they are compared.

    Of events the records are looked at, not what they sum up to: a large deal is no mistake.
    """
    if question.kind not in ADDITIVE_KINDS and not question.is_periodic:
        return Checked()
    if design.is_controlled:
        edges = slots(question, rows.start, rows.end, spacing(question.at) if question.is_periodic else "week")
        value = _of_everybody(question, rows, edges)
    else:
        line = line_of(question, rows)
        edges, value = line.edges, _held(question, line)
    found = outliers.outliers(edges, value)
    if not found:
        return Checked()
    figures = [{"start": str(edges[place]), "ratio": round(ratio, 2)} for place, ratio in found]
    return Checked((), outliers.words(edges, found), {"odd_periods": figures})


def _of_everybody(question: Question, rows: Rows, edges: Times) -> Floats:
    """What each slot holds of all units together: their figure on average, or their number of records."""
    if not question.is_periodic:
        place = np.searchsorted(edges, rows.day, side="right") - 1
        return np.bincount(place[(place >= 0) & (place < len(edges) - 1)], minlength=len(edges) - 1).astype(float)
    panel = build(question, rows, edges)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(panel.num.sum(0) / panel.den.sum(0))


def without_odd(question: Question, rows: Rows, look: Look, finding: Finding) -> Checked:
    """A change of one series that is sure only with an odd period in it is none."""
    if (question.kind not in ADDITIVE_KINDS and not question.is_periodic) or not (finding.low > 0 or finding.high < 0):
        return Checked()
    made = regression(question, rows)
    if isinstance(made, Unmeasured) or not finding.has_path:
        return Checked()
    line = made.line
    places = [place for place, _ in outliers.outliers(line.edges, _held(question, line))]
    kept = ~np.isin(made.places, places)
    if kept.all() or not (kept & made.is_after).any():
        return Checked()
    low, high = _step(made, kept).interval(1 - look.alpha)
    figures = {"without_odd_periods": {"low": low, "high": high}}
    is_same = low > 0 if finding.low > 0 else high < 0
    return Checked(() if is_same else ("Without its odd period the change is not certain.",), (), figures)


def _held(question: Question, line: Line) -> Floats:
    """What each slot of either side holds: the figure it came with, or its number of records."""
    return np.where(line.used, line.value if question.is_periodic else line.rows, np.nan)


def _step(made: Regression, kept: Bools) -> series.Posterior:
    """What is known of the step in some of the slots."""
    varies = [0, *np.flatnonzero(np.ptp(made.x[kept], axis=0) > 0)]
    return series.coefficient(grid(made, made.step[:, None], kept=kept, columns=varies))[0]


def unknown_periods(question: Question, look: Look, design: Design, finding: Finding) -> Checked:
    """Ready-made periods that are not in the data, and what counts and sums would say if they were zero."""
    missing = finding.diagnostics.get("missing_periods")
    if missing is None:
        return Checked()
    others = f", and {missing['controls']} of units to compare with," if missing.get("controls") else ""
    words = (
        f"{missing['before']} periods before and {missing['after']} after the go-live{others} are not in the data; "
        "they count as unknown, not as zero."
    )
    if design.is_controlled or question.kind not in ADDITIVE_KINDS or not finding.has_path:
        return Checked((), (words,))
    filled = _as_zeros(question, line_of(question, select(question, look.end)))
    zero = one_date.measure(filled, select(filled, look.end), 1 - look.alpha)
    if isinstance(zero, Unmeasured):
        return Checked((), (words,))
    change = zero.change_of(zero.theta)
    words += f" As zeros they would make the change {change:+.0%}.".replace("%", " %").replace("-", "−")
    figures = {"missing_as_zero": {"effect_rel": change, "low": zero.low, "high": zero.high}}
    is_sure = finding.low > 0 or finding.high < 0
    turned = is_sure and (zero.theta * finding.theta < 0 or zero.low <= 0 <= zero.high)
    against = ("Whether the missing periods were zero decides the change.",) if turned else ()
    return Checked(against, (words,), figures)


def _as_zeros(question: Question, line: Line) -> Question:
    """The question with a row of nothing in every slot that should have one."""
    starts = line.edges[:-1][line.missing[0] | line.missing[1]].astype("datetime64[s]")
    unit = int(np.flatnonzero(~np.isnat(question.go_live))[0])
    count = len(starts)
    return replace(
        question, at=np.r_[question.at, starts], num=np.r_[question.num, np.zeros(count)],
        den=np.r_[question.den, np.ones(count)], observed=np.r_[question.observed, np.ones(count, dtype=bool)],
        unit=np.r_[question.unit, np.full(count, unit)], covariates=None, groups={}, held=None, is_stamped=None,
    )  # fmt: skip
