"""What a cell means: numbers, money, shares, days, instants, words; as people type them, in one canonical text."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from connectors.files.dates import AmbiguousDates, detect_order, parse_moment

SPACES = " \u00a0\u202f\u2009'’"
CURRENCY = re.compile(
    r"[€$£₴¥₽]|\b(?:EUR|USD|UAH|GBP|PLN|CHF|CZK|RON|SEK|NOK|DKK|JPY)\b|\bгрн\b\.?|\bруб\b\.?|\bzł\b", re.IGNORECASE
)
TRUE = {"true", "yes", "y", "1", "x", "так", "да", "ja", "wahr", "+"}
FALSE = {"false", "no", "n", "0", "ні", "нет", "nein", "falsch", "-"}
EXCEL_START = datetime(1899, 12, 30)
_NUMBER_TAIL = re.compile(r"^(.*?)([eE][+-]?\d{1,3})?$")


class BadCell(ValueError):
    """A cell that does not mean what its column holds; the text says what it should have been."""


@dataclass(frozen=True)
class CellFormat:
    """How the cells of one column are written.

    kind: of the target. decimal, thousands: marks in numbers. date_order: dmy, mdy, ymd or a strptime pattern.
    scale: what numbers are multiplied by. is_last_day: ends of periods are written as their last day.
    """

    kind: str
    decimal: str = "."
    thousands: str = ","
    date_order: str = "ymd"
    scale: float = 1.0
    is_last_day: bool = False
    timezone: str = "UTC"

    def parse(self, cell: Any) -> str | None:
        """The canonical text of a cell that is not empty; raises BadCell. Moments: a day, or an instant with offset."""
        if self.kind in ("number", "money", "share", "integer"):
            return self._number(cell)
        if self.kind == "boolean":
            return self._boolean(cell)
        if self.kind in ("date", "moment"):
            return self._moment(cell)
        return plain(cell)

    def _number(self, cell: Any) -> str:
        if isinstance(cell, (int, float)) and not isinstance(cell, bool):
            text, value = repr(cell), float(cell)
        else:
            text = canonical_number(str(cell), self.decimal, self.thousands)
            value = float(text)
        if not math.isfinite(value):
            raise BadCell("is not a number")
        if str(cell).rstrip().endswith("%"):
            return _shown(value / 100)
        if self.scale != 1.0:
            return _shown(value * self.scale)
        if self.kind == "integer":
            if value != int(value):
                raise BadCell("is not a whole number")
            return str(int(value))
        return text

    def _boolean(self, cell: Any) -> str:
        word = plain(cell).lower()
        if word in TRUE:
            return "true"
        if word in FALSE:
            return "false"
        raise BadCell("is neither yes nor no")

    def _moment(self, cell: Any) -> str:
        found = _typed_moment(cell)
        if found is None:
            try:
                found = parse_moment(str(cell).strip(), self.date_order)
            except ValueError:
                raise BadCell(f"is not a date ({self.date_order})") from None
        if isinstance(found, datetime) and self.kind == "moment":
            aware = found if found.tzinfo else found.replace(tzinfo=ZoneInfo(self.timezone))
            return aware.isoformat()
        day = found.date() if isinstance(found, datetime) else found
        if not 1900 <= day.year <= 2200:
            raise BadCell("is not a date of our time")
        return (day + timedelta(days=1) if self.is_last_day else day).isoformat()


def plain(cell: Any) -> str:
    """A cell as text: whole numbers of spreadsheets without a decimal part."""
    if isinstance(cell, float) and cell == int(cell) and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, datetime) and cell.time() == time():
        return cell.date().isoformat()
    return cell.isoformat() if isinstance(cell, (date, datetime)) else str(cell).strip()


def canonical_number(text: str, decimal: str, thousands: str) -> str:
    """`1 234,50 €` as `1234.50`; raises BadCell when the digits are not grouped as they should be."""
    stripped = CURRENCY.sub("", text).strip(f"{SPACES}\t%")
    is_negative = False
    if stripped.startswith("(") and stripped.endswith(")"):
        stripped, is_negative = stripped[1:-1], True
    stripped = stripped.replace("−", "-").strip(SPACES)
    if stripped.endswith("-"):
        stripped, is_negative = stripped[:-1], True
    if stripped[:1] in "+-":
        is_negative, stripped = is_negative != stripped.startswith("-"), stripped[1:].strip(SPACES)
    match = _NUMBER_TAIL.match(stripped)
    body, exponent = (match[1], match[2] or "") if match else (stripped, "")
    whole, mark, part = body.partition(decimal)
    separators = re.escape(thousands + SPACES) if thousands else re.escape(SPACES)
    if re.search(f"[{separators}]", whole):
        if not re.fullmatch(rf"\d{{1,3}}(?:[{separators}]\d{{3}})+", whole):
            raise BadCell("is not a number")
        whole = re.sub(f"[{separators}]", "", whole)
    if not re.fullmatch(r"[0-9]+", whole or ("0" if part else "")) or (mark and not re.fullmatch(r"[0-9]*", part)):
        raise BadCell("is not a number")
    return f"{'-' if is_negative else ''}{whole or '0'}{'.' + part if part else ''}{exponent}"


def detect_format(given: CellFormat, sample: Iterable[Any], *, header: str, delimiter: str | None) -> CellFormat:
    """The format with its marks and date order taken from a sample of non-empty cells.

    Raises AmbiguousDates when 03/04/2025 may be March or April and nothing decides.
    """
    cells = list(sample)
    texts = [cell for cell in cells if isinstance(cell, str)]
    if given.kind in ("number", "money", "share", "integer"):
        decimal = detect_decimal(texts, delimiter)
        is_per_cent = given.kind == "share" and "%" in header and not any("%" in t for t in texts)
        scale = 0.01 if is_per_cent else 1.0
        return replace(given, decimal=decimal, thousands="," if decimal == "." else ".", scale=scale)
    if given.kind in ("date", "moment"):
        return replace(given, date_order=detect_order(texts))
    return given


def detect_last_days(ends: CellFormat, sample: Iterable[Any], starts: CellFormat, first_days: Iterable[Any]) -> bool:
    """Whether ends of periods are written as last days: the next period begins a day later, or months end there."""
    found, begun = _days(ends, sample), _days(starts, first_days)
    following = sum(day + timedelta(days=1) in begun for day in found)
    touching = sum(day in begun for day in found)
    if following != touching:
        return following > touching
    month_ends = sum((day + timedelta(days=1)).day == 1 for day in found)
    return month_ends > sum(day.day == 1 for day in found)


def _days(given: CellFormat, sample: Iterable[Any]) -> set[date]:
    days = set()
    for cell in sample:
        with suppress(BadCell):
            days.add(date.fromisoformat(str(replace(given, kind="date", is_last_day=False).parse(cell))))
    return days


def detect_decimal(texts: Iterable[str], delimiter: str | None) -> str:
    """The decimal mark most cells prove; where none does, a comma in files split by semicolons, else a point."""
    votes: Counter[str] = Counter()
    for text in texts:
        digits = re.sub(r"[eE][+-]?\d+$", "", CURRENCY.sub("", text).strip(f"{SPACES}%()+-−"))
        commas, points = digits.count(","), digits.count(".")
        if commas and points:
            votes["," if digits.rfind(",") > digits.rfind(".") else "."] += 1
        elif commas + points > 1:
            votes["." if commas else ","] += 1
        elif commas + points == 1:
            mark = "," if commas else "."
            whole, _, part = digits.partition(mark)
            if len(part) != 3 or len(whole) > 3 or whole in ("0", ""):
                votes[mark] += 1
    if votes:
        return votes.most_common(1)[0][0]
    return "," if delimiter == ";" and any("," in t or "." in t for t in texts) else "."


def _typed_moment(cell: Any) -> datetime | date | None:
    """Dates as spreadsheets keep them: typed, or days since the end of 1899."""
    if isinstance(cell, datetime):
        return cell.date() if cell.time() == time() and cell.tzinfo is None else cell
    if isinstance(cell, date):
        return cell
    if isinstance(cell, (int, float)) and not isinstance(cell, bool) and 10_000 <= cell <= 80_000:
        moment = EXCEL_START + timedelta(days=float(cell))
        return moment.date() if float(cell) == int(cell) else moment
    return None


def _shown(value: float) -> str:
    return repr(round(value, 12))


__all__ = ["AmbiguousDates", "BadCell", "CellFormat", "canonical_number", "detect_decimal", "detect_format", "plain"]
