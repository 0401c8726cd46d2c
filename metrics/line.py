"""The company's one series: the teams asked about, summed in the finest slots that are not mostly empty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metrics import quasi
from metrics.panel import Panel, Rows, build, slots, spacing, states
from metrics.question import ADDITIVE_KINDS, Bools, Floats, Question, Times

MIN_ROWS_A_SLOT = 8
NO_SLOTS: Bools = np.zeros(0, dtype=bool)
TURNOVER = ("Units come and go; the figure is that of whoever was there.",)
LEFT_OUT = ("Units that stopped are left out of both sides.",)


@dataclass(frozen=True)
class Line:
    """value per slot; before, after: which slots count on which side; rows: records in each.

    likelihood: of counts and shares, which may be zero in a slot; empty: the logarithm, or the value, is regressed.
    missing: slots before and after without the ready-made figure they should have. notes: what to tell of the teams.
    """

    edges: Times
    value: Floats
    num: Floats
    den: Floats
    rows: Floats
    before: Bools
    after: Bools
    log: bool
    value_per: str
    likelihood: str = ""
    missing: tuple[Bools, Bools] = (NO_SLOTS, NO_SLOTS)
    notes: tuple[str, ...] = ()

    @property
    def used(self) -> Bools:
        """The slots of either side."""
        return self.before | self.after

    @property
    def slot_days(self) -> float:
        """Length of a slot."""
        return float(np.median(np.diff(self.edges).astype(float)))


def line_of(question: Question, rows: Rows) -> Line:
    """Sum the teams asked about into one series, in the finest slots that are not mostly empty."""
    lengths = [question.period] if question.period != "auto" else _candidates(question)
    line = None
    for length in lengths:
        edges = slots(question, rows.start, rows.end, "week" if length == "day" else length)
        if len(edges) < 3:
            continue
        line = _read(question, rows, build(question, rows, edges), length)
        is_simple = question.log is False or (line.log and bool((line.value[line.used] > 0).all()))
        if is_simple and question.kind != "quantile":
            break
        if line.used.any() and line.rows[line.used].mean() >= _rows_needed(question):
            break
    if line is None:
        edges = np.array([rows.start, max(rows.end, rows.start + 1)])
        line = _read(question, rows, build(question, rows, edges), "week")
    return line


def levels(line: Line) -> tuple[float, float]:
    """What the KPI was before and after, in the unit people see."""
    before, after = (float(line.num[side].sum() / line.den[side].sum()) for side in (line.before, line.after))
    return before, after


def _rows_needed(question: Question) -> float:
    """Rows a slot should have on average; for a quantile, as many on either side of it."""
    return MIN_ROWS_A_SLOT / min(question.share, 1 - question.share) if question.kind == "quantile" else MIN_ROWS_A_SLOT


def _candidates(question: Question) -> list[str]:
    """Slot lengths to try, finest first."""
    return [spacing(question.at)] if question.is_periodic else ["week", "4 weeks"]


def _read(question: Question, rows: Rows, panel: Panel, length: str) -> Line:
    """One series out of the teams asked about; on the log scale when that is possible and not forbidden."""
    asked, notes = _members(question, rows)
    sides = states(question, rows, panel.edges) if notes == TURNOVER else (panel.before, panel.after)
    num, den, count = panel.num[asked].sum(0), panel.den[asked].sum(0), panel.rows[asked].sum(0)
    per, value_per = 1.0, ""
    if question.kind in ADDITIVE_KINDS:
        value_per = "week" if length in ("day", "week", "4 weeks") else length
        den = panel.days() if value_per == "week" else np.ones(len(panel.edges) - 1)
        per = 7.0 if value_per == "week" else 1.0
    elif question.kind == "nps":
        per = 100.0
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.where(den > 0, per * num / den, np.nan)
    has_rows = count > 0 if question.kind not in ADDITIVE_KINDS or question.is_periodic else np.ones(len(num), bool)
    known = has_rows & np.isfinite(value)
    before, after = (_joint(side[asked]) & known for side in sides)
    used = before | after
    likelihood = _likelihood(question, num, value, before, after)
    possible = question.kind != "nps" and bool(used.any()) and bool((value[used] > 0).all())
    log = (possible or bool(likelihood)) and question.log is not False
    due = _due(count) & (count == 0) & question.is_periodic
    missing = tuple(due & _joint(side[asked]) for side in states(question, rows, panel.edges))
    return Line(panel.edges, value, num * per, den, count, before, after, log, value_per, likelihood if log else "",
                missing, notes)  # fmt: skip


def _members(question: Question, rows: Rows) -> tuple[Bools, tuple[str, ...]]:
    """The teams to add up. One that stopped is left out on both sides, so that the rest is compared with itself.

    Where others began meanwhile, people come and go: then the total is of whoever was there, and that is told.
    """
    asked = ~np.isnat(question.go_live)
    if question.focus is not None:
        asked &= question.focus
    there, gone = asked & (rows.presence.ends > rows.start), asked & rows.presence.stopped
    if not gone.any() or gone[there].all():
        return asked, ()
    if (asked & rows.presence.late).any():
        return asked, TURNOVER
    return asked & ~gone, LEFT_OUT


def _due(count: Floats) -> Bools:
    """Slots that should have a row, from the first that has one on, by the usual distance of those that have."""
    seen = np.flatnonzero(count > 0)
    due = np.zeros(len(count), dtype=bool)
    if len(seen) > 1:
        due[seen[0] :: int(np.median(np.diff(seen)))] = True
    return due


def _likelihood(question: Question, num: Floats, value: Floats, before: Bools, after: Bools) -> str:
    """That of counts and of shares; empty when the kind has none or a side has nothing to take a ratio of."""
    sides = bool(num[before].any() and num[after].any())
    is_share = question.kind == "proportion"
    is_possible = bool((num[before | after] >= 0).all()) and not (is_share and bool((value[before | after] > 1).any()))
    return quasi.NAMES.get(question.kind, "") if sides and is_possible else ""


def _joint(marks: Bools) -> Bools:
    """Slots in which every team that has begun is on this side; none between the first and the last go-live."""
    has_any = marks.any(1)
    return np.asarray(marks[has_any].all(0) if has_any.any() else np.zeros(marks.shape[1], dtype=bool))
