"""From rows to team × time cells, each marked: untouched by the rollout, after it, or neither."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from metrics.durations import kaplan_meier, pseudo_values, quantile, restricted
from metrics.presence import DAY, Presence, presence
from metrics.question import ADDITIVE_KINDS, CENSORED_KINDS, Bools, Floats, Ints, Question, Times
from metrics.staggered import Cells
from metrics.standardise import standard_weights

MAX_DAILY_CELLS = 3_000_000


@dataclass(frozen=True)
class Rows:
    """The rows that count, in the question's order: mature, recorded, before the end.

    day: datetime64[D]. horizon_days: as used. exposed_days: rows this shortly before go-live are left out.
    weight: 1 but for a mix that is held constant (Question.held).
    start, end: the days the data cover (end exclusive, mature). presence: when each unit was there.
    negative: durations below zero that were left out.
    """

    day: Times
    unit: Ints
    num: Floats
    den: Floats
    picked: Ints
    horizon_days: float
    exposed_days: float
    start: np.datetime64
    end: np.datetime64
    weight: Floats
    presence: Presence
    negative: int = 0


@dataclass(frozen=True)
class Panel:
    """Sums per team and slot (G, P); edges: P + 1 days; before, after: the state of each cell; rows: their number."""

    edges: Times
    num: Floats
    den: Floats
    rows: Floats
    before: Bools
    after: Bools

    def days(self) -> Floats:
        """Length of each slot in days."""
        return np.diff(self.edges).astype("timedelta64[D]").astype(float)


def span(question: Question, end: np.datetime64) -> tuple[np.datetime64, np.datetime64]:
    """First and last (exclusive) day the question's records can be trusted for, ignoring maturity."""
    first = question.at.min().astype("datetime64[D]")
    limits = [x.astype("datetime64[D]") for x in (question.recorded_from, question.pre_start) if x is not None]
    return max([first, *limits]), end.astype("datetime64[D]")


def horizon_of(question: Question, start: np.datetime64, end: np.datetime64) -> float:
    """The restriction time of a duration in days: as asked, or the P90 before go-live within what was followed up."""
    if question.kind != "duration" or question.horizon_days > 0:
        return question.horizon_days
    first = first_go_live(question)
    day = question.at.astype("datetime64[D]")
    early = (day >= start) & (day < (end if np.isnat(first) else first)) & (question.num >= 0)
    if not early.any():
        return 0.0
    time = question.num[early] * question.time_unit_days
    followed = (end - day[early]).astype(float)
    seen, observed = np.minimum(time, followed), question.observed[early] & (time <= followed)
    found = quantile(kaplan_meier(seen, observed), 0.9)
    longest = float(seen.max()) if found is None else found
    left = end if np.isnat(first) else np.nanmin(question.left_learning[question.go_live == first])
    room = max(float((end - left).astype(float)) / 2, 1.0)
    return float(min(longest, room))


def first_go_live(question: Question) -> np.datetime64:
    """The earliest go-live of the teams asked about; NaT when there is none."""
    asked = question.go_live if question.focus is None else question.go_live[question.focus]
    known = asked[~np.isnat(asked)]
    return known.min() if len(known) else np.datetime64("NaT", "D")


def in_order(question: Question) -> Question:
    """The question with its rows by time, unit and values, so that sums do not depend on the order they came in."""
    if _is_in_order(question):
        return question
    order = np.lexsort((question.den, question.num, question.unit, question.at))
    return replace(
        question, at=question.at[order], unit=question.unit[order], num=question.num[order], den=question.den[order],
        observed=question.observed[order], groups={name: code[order] for name, code in question.groups.items()},
        is_stamped=None if question.is_stamped is None else question.is_stamped[order],
        covariates=None if question.covariates is None else question.covariates[order],
    )  # fmt: skip


def _is_in_order(question: Question) -> bool:
    tied = np.ones(max(len(question.at) - 1, 0), dtype=bool)
    columns: tuple[np.ndarray[Any, Any], ...] = (question.at, question.unit, question.num, question.den)
    for values in columns:
        if (tied & (values[1:] < values[:-1])).any():
            return False
        tied &= values[1:] == values[:-1]
    return True


def select(question: Question, end: np.datetime64) -> Rows:
    """The rows to use when the data are read as known at `end`."""
    start, end_day = span(question, end)
    if question.is_periodic:
        start = question.at[question.at >= start].min().astype("datetime64[D]")
    horizon = horizon_of(question, start, end_day)
    mature_end = end_day - np.timedelta64(int(np.ceil(horizon)), "D")
    day = question.at.astype("datetime64[D]")
    keep = (day >= start) & (day < mature_end) & np.isfinite(question.num) & np.isfinite(question.den)
    impossible = (question.num < 0) & (day >= start) & (day < end_day) & question.is_duration
    keep &= ~impossible
    if question.kind not in CENSORED_KINDS:
        keep &= question.observed
    picked = np.flatnonzero(keep)
    den = np.ones(len(picked)) if question.kind in CENSORED_KINDS else question.den[picked]
    num = question.num[picked].astype(float)
    weight = _weights(question, picked, day[picked], den)
    return Rows(
        day[picked], question.unit[picked], num, den, picked, horizon, horizon, start, mature_end, weight,
        presence(question, start, end_day), int(impossible.sum()),
    )  # fmt: skip


def _weights(question: Question, picked: Ints, day: Times, den: Floats) -> Floats:
    """Ones, or what holds the named mix constant."""
    if question.held is None:
        return np.ones(len(picked))
    go_live = question.go_live[question.unit[picked]]
    return standard_weights(question.groups[question.held][picked], day, den, ~np.isnat(go_live) & (day >= go_live))


def slots(question: Question, start: np.datetime64, end: np.datetime64, length: str) -> Times:
    """Edges of the slots between two days; calendar months, quarters and years keep to the fiscal calendar."""
    if length in ("day", "week", "4 weeks"):
        step = {"day": 1, "week": 7, "4 weeks": 28}[length]
        first = first_go_live(question)
        shift = 0 if np.isnat(first) or question.is_periodic else int((first - start).astype(int)) % step
        origin = start + np.timedelta64(shift, "D")
        return np.arange(origin, end + DAY, np.timedelta64(step, "D"))
    months = {"month": 1, "quarter": 3, "year": 12}[length]
    offset = (question.fiscal_start_month - 1) % months
    origin = (start.astype("datetime64[M]").astype(int) - offset) // months * months + offset
    stop = end.astype("datetime64[M]").astype(int) + months
    edges = np.arange(origin, stop + 1, months).astype("datetime64[M]").astype("datetime64[D]")
    return edges[(edges >= (edges[0] if question.is_periodic else start)) & (edges <= end)]


def build(question: Question, rows: Rows, edges: Times) -> Panel:
    """Sum the rows into cells and mark each cell's state."""
    units, count = len(question.go_live), len(edges) - 1
    place = np.searchsorted(edges, rows.day, side="right") - 1
    inside = (place >= 0) & (place < count)
    num = rows.weight * (rows.num if question.kind != "duration" else _duration_values(question, rows))
    flat = rows.unit[inside] * count + place[inside]
    shape = (units, count)

    def total(values: Floats) -> Floats:
        """Σ of values per cell."""
        return np.bincount(flat, weights=values[inside], minlength=units * count).reshape(shape).astype(np.float64)

    before, after = states(question, rows, edges)
    number = total(np.ones(len(rows.num)))
    if question.kind in ADDITIVE_KINDS:
        den = np.broadcast_to(np.diff(edges).astype(float), shape).copy()
    else:
        den = total(rows.den * rows.weight)
    sums = total(num)
    if question.kind == "quantile":
        found = _cell_quantiles(rows.num[inside], question.observed[rows.picked[inside]], flat, shape, question.share)
        den = np.where(np.isfinite(found), number, 0.0)
        sums = np.nan_to_num(found) * number
    alive = number > 0 if question.is_periodic else _alive(rows.presence, edges)
    return Panel(edges, sums, den, number, before & alive, after & alive)


def _cell_quantiles(num: Floats, observed: Bools, cell: Ints, shape: tuple[int, int], share: float) -> Floats:
    """The quantile in each cell, NaN where too few cases have ended to tell; open cases by Kaplan–Meier."""
    found = np.full(shape[0] * shape[1], np.nan)
    order = np.argsort(cell, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(cell[order])) + 1):
        if len(rows):
            reached = quantile(kaplan_meier(num[rows], observed[rows]), share)
            found[cell[rows[0]]] = np.nan if reached is None else reached
    return found.reshape(shape)


def states(question: Question, rows: Rows, edges: Times) -> tuple[Bools, Bools]:
    """(G, P) twice: wholly before any exposure, wholly after the learning window."""
    go_live = question.go_live[:, None]
    never = np.isnat(go_live)
    exposed_from = go_live - np.timedelta64(int(np.ceil(rows.exposed_days)), "D")
    before = never | (edges[None, 1:] <= exposed_from)
    after = ~never & (edges[None, :-1] >= question.left_learning[:, None])
    return np.asarray(before), np.asarray(after)


def _alive(found: Presence, edges: Times) -> Bools:
    """(G, P): slots in which a unit without rows had none to have; not those before it began or after it stopped."""
    begun = (edges[None, :-1] >= found.begins[:, None]) | ~found.late[:, None]
    there = (edges[None, 1:] <= found.ends[:, None]) | ~found.stopped[:, None]
    return np.asarray(begun & there)


def _duration_values(question: Question, rows: Rows) -> Floats:
    """Pseudo-observations of the restricted mean, in num's unit, apart for rows before and after go-live.

    Apart, because a rollout may change how cases leave (lost deals are censored) as well as how long they take.
    """
    limit = rows.horizon_days / question.time_unit_days
    time, observed = restricted(rows.num, question.observed[rows.picked], limit)
    go_live = question.go_live[rows.unit]
    is_after = ~np.isnat(go_live) & (rows.day >= go_live)
    values = np.zeros(len(time))
    for side in (is_after, ~is_after):
        values[side] = pseudo_values(time[side], observed[side], limit)
    return values


def slot_length(question: Question, rows: Rows) -> str:
    """The finest slot worth keeping for a panel of teams; the spacing of the rows when they are ready-made periods."""
    if question.is_periodic:
        return spacing(question.at)
    if question.kind == "quantile":
        return "4 weeks"
    units = len(question.go_live)
    days = int((rows.end - rows.start).astype(int))
    if units * days <= MAX_DAILY_CELLS:
        return "day"
    return "week" if units * days / 7 <= MAX_DAILY_CELLS else "4 weeks"


def spacing(at: Times) -> str:
    """What period ready-made rows come in, by the commonest gap between their dates."""
    days = np.unique(at.astype("datetime64[D]"))
    if len(days) < 2:
        return "month"
    gap = float(np.median(np.diff(days).astype(float)))
    names = [(3, "day"), (14, "week"), (28.0, "4 weeks"), (45, "month"), (200, "quarter")]
    return next((name for limit, name in names if gap <= limit), "year")


def blocks(panel: Panel, multiplicative: bool, max_days: float | None = None) -> tuple[Cells, Ints]:
    """Join neighbouring slots in which no team changes state; also the slot at which each block begins.

    For sums and counts nothing is lost: the Poisson likelihood with team and time effects depends on these sums only.
    For shares and means blocks are cut at max_days, so that a trend inside a block cannot pass for a difference.
    """
    state = panel.before.astype(np.int8) - panel.after.astype(np.int8)
    new = np.r_[True, (state[:, 1:] != state[:, :-1]).any(0)]
    if max_days is not None:
        days = panel.edges.astype("datetime64[D]").astype(float).tolist()
        begun = 0.0
        for slot, is_new in enumerate(new.tolist()):
            if is_new:
                begun = days[slot]
            elif days[slot] - begun >= max_days:
                new[slot], begun = True, days[slot]
    first = np.flatnonzero(new)
    num, den = np.add.reduceat(panel.num, first, axis=1), np.add.reduceat(panel.den, first, axis=1)
    return Cells(num, den, panel.before[:, first], panel.after[:, first], multiplicative), first
