"""Dates as people write them: which part is the day is told by the column, not by the cell."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache

ORDERS = ("dmy", "mdy", "ymd")
NAMED_ORDERS = {"dd": "dmy", "d.": "dmy", "d/": "dmy", "mm": "mdy", "m/": "mdy", "yy": "ymd"}
EPOCHS = {"excel": datetime(1899, 12, 30), "excel-1904": datetime(1904, 1, 1)}
"""Days of spreadsheets are numbered from here."""
FIRST_YEAR = 1970
"""Years of two digits lie in the hundred years from this one."""
FIRST_SERIAL, LAST_SERIAL = 10_000, 80_000
LANGUAGES = ("en", "uk", "ru", "de", "fr", "es", "it", "pl", "pt", "nl", "cs", "ro")
_CLOCK = (
    r"(?:[ T,]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(?:\s*([AaPp])\.?[Mm]\.?)?)?\s*"
    r"(Z|UTC|GMT|[+-]\d{2}:?(?:\d{2})?)?"
)
_AFTER_YEAR = r"(?: ?(?:р|г|года|року)\.?)?"
DIGITS = re.compile(rf"(\d{{1,4}})([./-])(\d{{1,2}})\2(\d{{1,4}}){_AFTER_YEAR}{_CLOCK}")
_COMPACT = re.compile(rf"(\d{{4}})(\d{{2}})(\d{{2}}){_CLOCK}")
_NAMED = re.compile(rf"(\d{{1,2}})\.?[ .-]*([^\W\d]{{3,}})\.?[ ,.-]+(\d{{4}}|\d{{2}}){_AFTER_YEAR}{_CLOCK}")
_NAMED_FIRST = re.compile(rf"([^\W\d]{{3,}})\.? (\d{{1,2}}),? (\d{{4}}){_CLOCK}")
_MONTH = re.compile(r"(?:(\d{4})[-/.](\d{1,2})|(\d{1,2})[./](\d{4})|([^\W\d]{3,})\.?[ -](\d{4}))")
_QUARTER = re.compile(r"(?:(\d{4})[- ]?[QqКк](\d)|[QqКк](\d)[- ]?(\d{4}))")
_YEAR = re.compile(r"[12]\d{3}(?:\.0)?")


def parse_moment(text: str, order: str, first_year: int = FIRST_YEAR, *, needs_half: bool = False) -> date | datetime:
    """A day, or an instant where the text has a time of day; months, quarters and years mean their first day.

    order: dmy, mdy or ymd for dates that do not begin with a year of four digits; or a strptime pattern. first_year:
    of the hundred that years of two digits lie in. needs_half: hours up to 12 must say AM or PM. ValueError if it is
    none.
    """
    if "%" in order:
        return _by_pattern(text, order, first_year)
    if match := DIGITS.fullmatch(text):
        parts = ordered(match, order)
        return _built(_year(parts[0], first_year), int(parts[1]), int(parts[2]), match.groups()[4:], needs_half)
    if match := _COMPACT.fullmatch(text):
        return _built(int(match[1]), int(match[2]), int(match[3]), match.groups()[3:], needs_half)
    if match := _NAMED.fullmatch(text):
        year = _year(match[3], first_year)
        return _built(year, _month(match[2]), int(match[1]), match.groups()[3:], needs_half)
    if match := _NAMED_FIRST.fullmatch(text):
        return _built(int(match[3]), _month(match[1]), int(match[2]), match.groups()[3:], needs_half)
    return _period(text)


def ordered(match: re.Match[str], order: str) -> tuple[str, str, str]:
    """Year, month and day of a date of digits, as the order has them; a year of four digits in front says it itself."""
    first, middle, last = match[1], match[3], match[4]
    if len(first) == 4 or order == "ymd":
        return first, middle, last
    return (last, first, middle) if order == "mdy" else (last, middle, first)


def _by_pattern(text: str, pattern: str, first_year: int) -> date | datetime:
    found = datetime.strptime(text, pattern)
    if "%y" in pattern:
        found = found.replace(year=_year(f"{found.year % 100:02d}", first_year))
    return found if re.search("%[HIMSXcT]", pattern) else found.date()


def _period(text: str) -> date:
    if match := _MONTH.fullmatch(text):
        if match[5]:
            return date(int(match[6]), _month(match[5]), 1)
        return date(int(match[1] or match[4]), int(match[2] or match[3]), 1)
    if match := _QUARTER.fullmatch(text):
        quarter = int(match[2] or match[3])
        return date(int(match[1] or match[4]), 3 * quarter - 2, 1)
    if _YEAR.fullmatch(text):
        return date(int(text[:4]), 1, 1)
    raise ValueError(text)


def serial_moment(value: float, epoch: datetime) -> date | datetime:
    """The moment a spreadsheet numbers by days since `epoch`; ValueError outside the numbers of our time."""
    if not FIRST_SERIAL <= value <= LAST_SERIAL:
        raise ValueError(str(value))
    found = epoch + timedelta(seconds=round(value * 86_400))
    return found.date() if value == int(value) else found


def order_named(date_format: str) -> str:
    """`DD.MM.YYYY`, `MM/DD/YYYY`, `YYYY-MM-DD`, `excel`, `excel-1904` or a strptime pattern, for `parse_moment`."""
    if "%" in date_format or date_format in (*ORDERS, *EPOCHS):
        return date_format
    found = NAMED_ORDERS.get(date_format[:2].lower())
    if found is None:
        raise ValueError(f"{date_format!r} is no date format")
    return found


def _built(year: int, month: int, day: int, clock: tuple[str | None, ...], needs_half: bool) -> date | datetime:
    hour, minute, second, fraction, half, zone = clock
    if hour is None:
        if zone:
            raise ValueError("a zone without a time")
        return date(year, month, day)
    hours = int(hour)
    if half:
        if not 1 <= hours <= 12:
            raise ValueError("no hour of a half day")
        hours = hours % 12 + (12 if half.lower() == "p" else 0)
    elif needs_half and hours <= 12:
        raise ValueError("neither AM nor PM")
    micros = int((fraction or "0")[:6].ljust(6, "0"))
    return datetime(year, month, day, hours, int(minute or 0), int(second or 0), micros, tzinfo=_zone(zone))


def _zone(text: str | None) -> timezone | None:
    if text is None:
        return None
    if text in ("Z", "UTC", "GMT"):
        return UTC
    hours, minutes = int(text[1:3]), int(text[3:].lstrip(":") or 0)
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)


def _year(text: str, first_year: int) -> int:
    if len(text) == 4:
        return int(text)
    if len(text) != 2:
        raise ValueError(text)
    return first_year + (int(text) - first_year) % 100


def _month(name: str) -> int:
    try:
        return month_names()[name.casefold()]
    except KeyError:
        raise ValueError(name) from None


@cache
def month_names() -> dict[str, int]:
    """Names of months, short and long, in the languages read; one that means two months in two of them is left out."""
    from babel.dates import get_month_names

    found: dict[str, set[int]] = {"sept": {9}, "січ": {1}}
    for language in LANGUAGES:
        for width in ("wide", "abbreviated"):
            for context in ("format", "stand-alone"):
                for number, name in get_month_names(width, context, language).items():
                    found.setdefault(name.rstrip(".").casefold(), set()).add(number)
    return {name: min(numbers) for name, numbers in found.items() if len(numbers) == 1 and name.isalpha()}
