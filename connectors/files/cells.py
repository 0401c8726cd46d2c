"""What a cell means: numbers, money, shares, days, instants, words; as people type them, in one canonical text."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from connectors.files.date_evidence import exchanged
from connectors.files.dates import EPOCHS, FIRST_YEAR, parse_moment, serial_moment
from connectors.files.numbers import NotANumber, canonical
from connectors.files.special import Formatted, Merged, Percent, Unreadable, is_error

NUMBERS = ("number", "money", "share", "integer")
MOMENTS = ("date", "moment", "instant")
TRUE = {"true", "yes", "y", "1", "x", "так", "да", "ja", "wahr", "+"}
FALSE = {"false", "no", "n", "0", "ні", "нет", "nein", "falsch", "-"}
FIRST_OF_OURS, LAST_OF_OURS = 1900, 2200
MOST_DIGITS = 15
"""Excel keeps so many digits of a number; an identifier with more has lost its last ones."""
_SHORTENED = re.compile(r"[+-]?\d([.,]\d+)?[eE]\+\d{2,3}")
_WHOLE_AS_FLOAT = re.compile(r"\d+\.0")
_PLAIN = re.compile(r"-?\d+(\.\d+)?")


class BadCell(ValueError):
    """A cell that does not mean what its column holds; the text says what it should have been."""


@dataclass(frozen=True)
class CellFormat:
    """How the cells of one column are written.

    kind: of the target. decimal, thousands: marks in numbers. date_order: dmy, mdy, ymd, a numbering of days or a
    strptime pattern. first_year: of the hundred that years of two digits lie in. needs_half: times up to 12:59 must say
    AM or PM. is_exchanged: dates kept as dates have day and month exchanged. scale: what numbers are multiplied by.
    is_last_day: ends of periods are written as their last day. is_whole: texts such as 123.0 are the whole number.
    epoch: name of the numbering of the file's days.
    """

    kind: str
    decimal: str = "."
    thousands: str = ","
    date_order: str = "ymd"
    first_year: int = FIRST_YEAR
    needs_half: bool = False
    is_exchanged: bool = False
    scale: float = 1.0
    is_last_day: bool = False
    is_whole: bool = False
    timezone: str = "UTC"
    epoch: str = ""

    def parse(self, cell: Any) -> str | None:
        """The canonical text of a cell that is not empty; raises BadCell. Moments: a day, or an instant with offset."""
        if isinstance(cell, str):
            if cell[:1] == "#" and is_error(cell):
                raise BadCell("is an error of the spreadsheet")
        elif isinstance(cell, Unreadable):
            raise BadCell(cell.reason)
        elif isinstance(cell, Merged):
            if self.kind in NUMBERS:
                raise BadCell(f"is merged over several rows ({cell.place}): it may count once, or for each of them")
            cell = cell.value
        if self.kind in NUMBERS:
            return self._number(cell)
        if self.kind == "boolean":
            return self._boolean(cell)
        if self.kind in MOMENTS:
            return self._moment(cell)
        text = whole_text(cell)
        return text[:-2] if self.is_whole and _WHOLE_AS_FLOAT.fullmatch(text) else text

    def _number(self, cell: Any) -> str:
        if isinstance(cell, Formatted):
            cell = cell.value
        if isinstance(cell, str):
            text = cell if self.decimal == "." and _PLAIN.fullmatch(cell) else self._canonical(cell)
        elif isinstance(cell, (int, float, Decimal)) and not isinstance(cell, bool):
            text = (
                format(cell, "f")
                if isinstance(cell, Decimal)
                else repr(float(cell) if isinstance(cell, Percent) else cell)
            )
        else:
            raise BadCell("is not a number")
        value = float(text)
        if not math.isfinite(value):
            raise BadCell("is not a number")
        if isinstance(cell, str) and cell.rstrip().endswith("%"):
            return _shown(value / 100)
        if self.scale != 1.0 and not isinstance(cell, Percent):
            return _shown(value * self.scale)
        if self.kind == "integer":
            return _whole(text)
        return text

    def _canonical(self, cell: str) -> str:
        try:
            return canonical(cell, self.decimal, self.thousands)
        except NotANumber:
            raise BadCell("is not a number") from None

    def _boolean(self, cell: Any) -> str:
        word = plain(cell).lower()
        if word in TRUE:
            return "true"
        if word in FALSE:
            return "false"
        raise BadCell("is neither yes nor no")

    def _moment(self, cell: Any) -> str:
        found = self.moment(cell)
        if self.kind == "instant" and not isinstance(found, datetime):
            found = datetime.combine(found, time())
        if isinstance(found, datetime) and self.kind != "date":
            aware = found if found.tzinfo else found.replace(tzinfo=ZoneInfo(self.timezone))
            return aware.isoformat()
        day = found.date() if isinstance(found, datetime) else found
        return (day + timedelta(days=1) if self.is_last_day else day).isoformat()

    def moment(self, cell: Any) -> date | datetime:
        """The day or the instant (naive, or with the offset it names) of a cell; raises BadCell."""
        try:
            found = self._typed(cell)
            if found is None:
                order = "ymd" if self.date_order in EPOCHS else self.date_order
                found = parse_moment(str(cell).strip(), order, self.first_year, needs_half=self.needs_half)
                if self.is_exchanged and re.match(r"\d{4}-\d{2}-\d{2}", str(cell).strip()):
                    found = exchanged(found)
        except (ValueError, OverflowError):
            told = {"dmy": " (day first)", "mdy": " (month first)", "ymd": ""}.get(
                self.date_order, f" ({self.date_order})"
            )
            raise BadCell(f"is not a date{told}") from None
        if not FIRST_OF_OURS <= found.year <= LAST_OF_OURS:
            raise BadCell("is not a date of our time")
        return found

    def _typed(self, cell: Any) -> datetime | date | None:
        """Dates as spreadsheets keep them: typed, or as numbers of days; None for text."""
        if isinstance(cell, date):
            found = (
                cell.date() if isinstance(cell, datetime) and cell.time() == time() and cell.tzinfo is None else cell
            )
            return exchanged(found) if self.is_exchanged else found
        epoch = EPOCHS.get(self.date_order) or EPOCHS.get(self.epoch)
        if isinstance(cell, (int, float)) and not isinstance(cell, bool):
            if cell == int(cell) and FIRST_OF_OURS <= cell <= LAST_OF_OURS:
                return date(int(cell), 1, 1)
            if epoch is None:
                raise ValueError("a number")
            return serial_moment(float(cell), epoch)
        if self.date_order in EPOCHS and re.fullmatch(r"\d{5}(\.\d+)?", str(cell).strip()):
            return serial_moment(float(str(cell).strip()), EPOCHS[self.date_order])
        return None


def whole_text(cell: Any) -> str:
    """A cell as text; BadCell where a spreadsheet program has kept only a part of a long number."""
    text = plain(cell)
    if isinstance(cell, Formatted) and not text:
        raise BadCell("is a number with a format of its own: write it as text, as it is shown")
    if isinstance(cell, str):
        if _SHORTENED.fullmatch(text):
            raise BadCell("is a number a spreadsheet program has shortened: its digits are lost")
    elif isinstance(cell, (int, float)) and not isinstance(cell, bool) and abs(cell) >= 10**MOST_DIGITS:
        raise BadCell(
            f"is a number of more than {MOST_DIGITS} digits, of which a spreadsheet program keeps {MOST_DIGITS}"
        )
    return text


def plain(cell: Any) -> str:
    """A cell as text: whole numbers of spreadsheets without a decimal part, numbers with leading zeros as shown."""
    if isinstance(cell, Merged):
        cell = cell.value
    if isinstance(cell, (str, Formatted)):
        return cell.strip() if isinstance(cell, str) else cell.shown
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and math.isfinite(cell) and cell == int(cell) and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, datetime) and cell.time() == time():
        return cell.date().isoformat()
    return cell.isoformat() if isinstance(cell, (date, datetime)) else str(cell).strip()


def _whole(text: str) -> str:
    """A whole number as its digits; BadCell for any other."""
    value = Decimal(text)
    if value != value.to_integral_value():
        raise BadCell("is not a whole number")
    return format(value.to_integral_value(), "f")


def _shown(value: float) -> str:
    return repr(round(value, 12))
