"""What the cells of a whole column say about how its dates are written, and what must be asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import combinations

from connectors.files.dates import DIGITS, EPOCHS, FIRST_SERIAL, FIRST_YEAR, LAST_SERIAL, ORDERS, ordered, parse_moment
from connectors.files.questions import AmbiguousColumn, Reading

FORMATS: Mapping[str, str] = {"dmy": "DD/MM/YYYY", "mdy": "MM/DD/YYYY", "ymd": "YY/MM/DD"}
EXCHANGEABLE_DAY = 12
DOUBTFUL_YEARS = range(30, 70)
"""Two digits that some programs take for the last century and some for this one."""
_ISO = re.compile(r"\d{4}-(\d{2})-(\d{2})")
_HALF = re.compile(r"\d\s*[AaPp]\.?[Mm]\.?")
_HOUR = re.compile(r"[ T,](\d{1,2}):\d{2}")
_TWO_DIGITS = re.compile(r"(?:[./-]|[^\W\d]\.?[ -])(\d{2})(?:\s|$)")

Cell = tuple[str, int]


@dataclass
class DateEvidence:
    """Examples with the row of their first cell.

    possible: orders under which every date of digits so far is one. needing: a date that only that order allows.
    equal: pairs of orders that give the same dates so far. dotted: whether all of them have dots. is_loose: whether one
    fits several orders. loose: one that is another day in each. first_typed: a date that says its year first or is kept
    as one; late_typed: whether one of those has a day beyond 12. serial: a number. other: whether a cell is no number.
    half: whether a time says AM or PM. short: a year of two digits that is doubtful.
    """

    possible: set[str] = field(default_factory=lambda: set(ORDERS))
    needing: dict[str, Cell] = field(default_factory=dict)
    equal: set[tuple[str, str]] = field(default_factory=lambda: set(combinations(ORDERS, 2)))
    digits: int = 0
    dotted: bool = True
    is_loose: bool = False
    loose: Cell | None = None
    first_typed: tuple[date, int] | None = None
    late_typed: bool = False
    serial: Cell | None = None
    other: bool = False
    half: bool = False
    short: Cell | None = None

    def add(self, text: str, row: int) -> None:
        """Take in a cell of text that is not empty."""
        text = text.strip()
        self.half = self.half or bool(_HALF.search(text))
        if iso := _ISO.match(text):
            self._add_typed(iso[0], int(iso[2]), row)
            return
        match = DIGITS.fullmatch(text)
        if match is None or len(match[1]) == 4:
            is_serial = text.replace(".", "", 1).isdigit() and FIRST_SERIAL <= float(text) <= LAST_SERIAL
            self.serial = self.serial or ((text, row) if is_serial else None)
            self.other = self.other or not is_serial
            if match is None:
                self._note_short(text, row)
            return
        self.other = True
        self._add_digits(match, (text, row))

    def add_day(self, day: date | datetime, row: int) -> None:
        """Take in a date that the file keeps as one."""
        self._add_typed(day.isoformat()[:10], day.day, row)

    def add_number(self, value: float, row: int) -> None:
        """Take in a number."""
        is_serial = FIRST_SERIAL <= value <= LAST_SERIAL
        self.serial = self.serial or ((f"{value:g}", row) if is_serial else None)
        self.other = self.other or not is_serial

    def _add_typed(self, iso: str, day: int, row: int) -> None:
        self.other = True
        self.late_typed = self.late_typed or day > EXCHANGEABLE_DAY
        if self.first_typed is None or self.first_typed[0] == exchanged(self.first_typed[0]):
            try:
                self.first_typed = date.fromisoformat(iso), row
            except ValueError:
                return  # no day at all: told when it is read

    def _add_digits(self, match: re.Match[str], cell: Cell) -> None:
        days = {order: _day(match, order) for order in ORDERS}
        fitting = {order for order, day in days.items() if day is not None}
        if not fitting:
            return
        self.digits += 1
        self.dotted = self.dotted and match[2] == "."
        for order in ORDERS:
            if fitting == {order}:
                self.needing.setdefault(order, cell)
        if len(fitting) > 1:
            self.is_loose = True
            is_telling = len({day for day in days.values() if day}) > 1
            self.loose = self.loose or (cell if is_telling else None)
        self.possible &= fitting
        self.equal = {(a, b) for a, b in self.equal if days[a] == days[b]}
        if len(match[4]) == 2 and len(match[1]) <= 2:
            self._note_short(cell[0], cell[1])

    def _note_short(self, text: str, row: int) -> None:
        year = _TWO_DIGITS.search(text)
        if year and int(year[1]) in DOUBTFUL_YEARS and self.short is None:
            self.short = year[1], row

    def order(self) -> str:
        """dmy, mdy, ymd, or a numbering of days; AmbiguousColumn when the column does not tell."""
        if self.serial and not self.other:
            number = self.serial[0]
            raise AmbiguousColumn(
                f"it holds numbers, not dates ({_at(self.serial)})",
                [Reading(f"{number} is {_numbered(number, name)}", "date_format", name) for name in EPOCHS],
            )
        if not self.digits:
            return "ymd"
        if not self.possible:
            told = ", ".join(f"{_at(cell)} needs {FORMATS[order]}" for order, cell in self.needing.items())
            raise AmbiguousColumn(
                f"its dates contradict each other ({told})" if told else "its dates fit no single order",
                [_as_written(order) for order in self.needing or ("dmy", "mdy")],
            )
        left = [order for order in ORDERS if order in self.possible]
        if len(left) == 1 or all(pair in self.equal for pair in combinations(left, 2)):
            return left[0]
        if self.dotted and "dmy" in left:  # no country writes months first with dots
            return "dmy"
        cell = self.loose or ("", 0)
        raise AmbiguousColumn(
            f"nothing tells day from month ({_at(cell)})",
            [Reading(f"{cell[0]} is {_shown(cell[0], order)}", "date_format", FORMATS[order]) for order in left],
        )

    def refuse_exchanged(self) -> None:
        """AmbiguousColumn when dates up to the 12th are kept as dates, and all later ones as text.

        That is what is left when a spreadsheet program read a column in the wrong order: it turned those dates round
        that it could.
        """
        texts = len(self.needing) == 1 and not self.is_loose
        if not texts or self.late_typed or self.first_typed is None:
            return
        day, row = self.first_typed
        (text,) = self.needing.values()
        raise AmbiguousColumn(
            f"its dates up to the 12th of a month are kept as dates ({day} in row {row}), the later ones as text "
            f"({_at(text)}); a spreadsheet program may have exchanged day and month",
            [Reading(f"{day} is {_long(day)}", "exchanged_days", "no"),
             Reading(f"it was {_long(exchanged(day))} once", "exchanged_days", "yes")],
        )  # fmt: skip

    def refuse_short_years(self) -> None:
        """AmbiguousColumn when years of two digits may be of this century or the last."""
        if self.short:
            year = self.short[0]
            raise AmbiguousColumn(
                f"it has years of two digits ({year!r} in row {self.short[1]})",
                [Reading(f"{year} is 20{year}", "first_year", str(FIRST_YEAR)),
                 Reading(f"{year} is 19{year}", "first_year", "1930")],
            )  # fmt: skip


def exchanged(day: date | datetime) -> date | datetime:
    """The date with day and month exchanged, where that is a date."""
    return day.replace(month=day.day, day=day.month) if day.day <= EXCHANGEABLE_DAY else day


def _day(match: re.Match[str], order: str) -> date | None:
    """The day a date of digits means under an order; None if it is none."""
    if order == "ymd" and not (len(match[1]) == 2 and len(match[4]) <= 2):
        return None
    year, month, day = ordered(match, order)
    if len(year) not in (2, 4):
        return None
    try:
        return date(int(year) if len(year) == 4 else 2000 + int(year), int(month), int(day))
    except ValueError:
        return None


def _numbered(number: str, name: str) -> str:
    return _long(EPOCHS[name] + timedelta(days=int(float(number))))


def _shown(text: str, order: str) -> str:
    return _long(parse_moment(text, order))


def _long(day: date | datetime) -> str:
    return f"{day.day} {day:%B %Y}"


def _as_written(order: str) -> Reading:
    return Reading(f"they are {FORMATS[order]}", "date_format", FORMATS[order])


def _at(cell: Cell) -> str:
    return f"{cell[0]!r} in row {cell[1]}"
