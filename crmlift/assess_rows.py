"""What the rows handed to `crmlift assess` are: events or figures of periods; what is missing, what stands twice."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from metrics.panel import spacing
from metrics.question import ADDITIVE_KINDS, Bools, Floats, Ints, Times

DAY = np.timedelta64(1, "D")
MONTHS = {"month": 1, "quarter": 3, "year": 12}
NEARLY_ALL = 0.9
NEARLY = {"month": (28, 31), "quarter": (89, 93), "year": (364, 367)}
MIN_DOUBLED, MIN_DOUBLED_SHARE = 5, 0.01
KEY_SHARE = 0.9
SILENT_DAYS, SILENT_CHANCE = 21, 1e-6
_ID = re.compile(r"\b(id|no|nr|number|key|code)\b\.?|№|номер|код", re.IGNORECASE)


@dataclass(frozen=True)
class Gaps:
    """Periods between the first and the last row of each unit that have no row.

    slots: how many. of: how many there should be. meaning: `zero`, `unknown` or `` (none is missing). name: of periods.
    extra: for gaps that count as zero, the row whose unit each stands for, and its day.
    """

    slots: int = 0
    of: int = 0
    meaning: str = ""
    name: str = ""
    extra: tuple[tuple[int, np.datetime64], ...] = ()

    @property
    def words(self) -> str:
        """For people."""
        if not self.slots:
            return "no gaps" if self.name else ""
        told = {"zero": "count as 0", "unknown": "are not known"}[self.meaning]
        return f"{self.slots} of {self.of} {self.name} without a row {told}"


@dataclass(frozen=True)
class Grid:
    """Dates that are evenly spaced. period: the name of its spacing; days or months: from one date to the next."""

    period: str
    days: int = 0
    months: int = 0

    @property
    def name(self) -> str:
        """What several of them are called."""
        return self.period if self.period.endswith("s") else f"{self.period}s"

    def numbers(self, at: Times) -> Ints:
        """The number of the period each date lies in, counted without gaps."""
        if self.months:
            return np.asarray(at.astype("datetime64[M]").astype(np.int64) // self.months)
        days = at.astype("datetime64[D]").astype(np.int64)
        return np.asarray((days - days.min()) // self.days)

    def later(self, first: Any, steps: int) -> Any:
        """The date of the period so many after that of `first`, both datetime64[s]."""
        if self.days:
            return np.datetime64(first + np.timedelta64(steps * self.days, "D"), "s")
        month = first.astype("datetime64[M]") + np.timedelta64(steps * self.months, "M")
        within = first - first.astype("datetime64[M]").astype("datetime64[s]")
        longest = (month + 1).astype("datetime64[s]") - month.astype("datetime64[s]") - DAY
        return np.datetime64(month.astype("datetime64[s]") + np.minimum(within, longest), "s")


def end_of(grid: Grid, day: Any) -> Any:
    """The day after the period that a date (datetime64[D]) stands for: its first day, or its last."""
    if grid.days:
        return day + np.timedelta64(grid.days, "D")
    month = day.astype("datetime64[M]")
    is_last = (day + 1).astype("datetime64[M]") != month and day != month.astype("datetime64[D]")
    return day + 1 if is_last else grid.later(day.astype("datetime64[s]"), 1).astype("datetime64[D]")


def grid_of(at: Times) -> Grid | None:
    """The periods that dates stand for; None where each row is an event.

    Weeks begin on one weekday, months on one day or end on their last; days are figures of days only where no day is
    missing.
    """
    days = np.unique(at[~np.isnat(at)].astype("datetime64[D]"))
    if len(days) < 3:
        return None
    gaps = np.diff(days).astype(int)
    step = int(np.gcd.reduce(gaps))
    if (gaps == 1).all():
        return Grid("day", days=1)
    if step % 7 == 0 and step <= 28:
        return Grid("4 weeks" if step == 28 else "week", days=step)
    return _calendar_grid(days, gaps)


def _calendar_grid(days: Times, gaps: Ints) -> Grid | None:
    months = days.astype("datetime64[M]").astype(int)
    in_month = (days - days.astype("datetime64[M]")).astype(int)
    is_last = bool(((days + DAY).astype("datetime64[M]").astype(int) != months).all())
    steps = np.diff(months)
    if (steps >= 1).all() and (is_last or len(set(in_month.tolist())) == 1):
        return Grid(spacing(days), months=int(np.gcd.reduce(steps)))
    usual = float(np.median(gaps))
    for period, (low, high) in NEARLY.items():
        if low <= usual <= high and np.mean((low <= gaps) & (gaps <= high)) >= NEARLY_ALL:
            return Grid(period, months=MONTHS[period])
    return None


def find_gaps(
    at: Times, group: Ints, num: Floats, grid: Grid, kind: str, said: str | None, *, can_fill: bool
) -> Gaps:  # fmt: skip
    """The periods without a row, and what they mean.

    Sums and counts have nothing to sum where nothing happened: such periods are zero, unless other rows say 0
    themselves. All other figures are not known there. group: code of each row's unit. said: the option that answers it.
    """
    slot = grid.numbers(at)
    missing: list[tuple[int, np.datetime64]] = []
    slots = of = 0
    for one in np.unique(group):
        rows = np.flatnonzero(group == one)
        own = slot[rows]
        of += int(own.max() - own.min() + 1)
        gone = np.setdiff1d(np.arange(own.min(), own.max() + 1), own)
        slots += len(gone)
        template = int(rows[np.argmin(own)])
        missing += [(template, grid.later(at[template], int(number - own.min()))) for number in gone]
    if not slots:
        return Gaps(name=grid.name, of=of)
    is_zero = kind in ADDITIVE_KINDS and not (num == 0).any()
    meaning = said or ("zero" if is_zero else "unknown")
    return Gaps(slots, of, meaning, grid.name, tuple(missing) if meaning == "zero" and can_fill else ())


def silence(at: Times) -> tuple[np.datetime64, np.datetime64] | None:
    """The longest time without any event, if it is longer than chance makes it: perhaps it was not recorded."""
    days = np.sort(at.astype("datetime64[D]"))
    gaps = np.diff(days).astype(float)
    if len(gaps) < 50:
        return None
    at_longest = int(np.argmax(gaps))
    usual = float((days[-1] - days[0]).astype(float)) / len(gaps)
    is_odd = gaps[at_longest] >= SILENT_DAYS and len(gaps) * np.exp(-gaps[at_longest] / usual) < SILENT_CHANCE
    return (days[at_longest], days[at_longest + 1]) if is_odd else None


def doubled_rows(rows: Sequence[Sequence[Any]], header: Sequence[str], places: Sequence[int]) -> tuple[Bools, str]:
    """Rows that say again what one before them says, and in which sense; none where that is natural.

    Equal in every column, where some column would tell rows apart; or equal in the judged columns (places) and in one
    called an id, as joins to several records make them.
    """
    if not rows:
        return np.zeros(0, dtype=bool), ""
    exact = _repeats([hash(tuple(row)) for row in rows])
    if _is_much(exact) and _has_key([row for row, again in zip(rows, exact, strict=True) if not again], header):
        return exact, "equal in every column"
    for place in [p for p, name in enumerate(header) if _ID.search(name) and p not in places] if places else []:
        columns = [[row[p] if p < len(row) else None for row in rows] for p in (place, *places)]
        same = _repeats(list(map(hash, zip(*columns, strict=True))))
        if _is_much(same):
            return same, f"equal in {', '.join(header[p] for p in (place, *places))}"
    return np.zeros(len(rows), dtype=bool), ""


def _repeats(hashes: Sequence[int]) -> Bools:
    seen: set[int] = set()
    out = np.zeros(len(hashes), dtype=bool)
    for place, each in enumerate(hashes):
        out[place] = each in seen
        seen.add(each)
    return out


def _is_much(again: Bools) -> bool:
    return int(again.sum()) >= MIN_DOUBLED and float(again.mean()) >= MIN_DOUBLED_SHARE


def _has_key(rows: Sequence[Sequence[Any]], header: Sequence[str]) -> bool:
    """Whether some column is (nearly) new in each of the rows that are not repeated."""
    for place in range(len(header)):
        counts = Counter(str(row[place]) for row in rows if place < len(row))
        if len(counts) >= KEY_SHARE * len(rows):
            return True
    return False
