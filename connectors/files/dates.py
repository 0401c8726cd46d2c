"""Dates as people write them: which part is the day is told by the column, not by the cell."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta, timezone

MONTHS = {
    name: number
    for number, names in enumerate(
        ("jan january січ січня січень", "feb february лют лютого лютий", "mar march бер березня березень",
         "apr april кві квіт квітня квітень", "may мая тра трав травня травень", "jun june чер черв червня червень",
         "jul july лип липня липень", "aug august сер серп серпня серпень",
         "sep sept september вер верес вересня вересень",
         "oct october жов жовт жовтня жовтень", "nov november лис лист листопада листопад",
         "dec december гру груд грудня грудень"), 1,
    )
    for name in names.split()
}  # fmt: skip
NAMED_ORDERS = {"dd": "dmy", "d.": "dmy", "d/": "dmy", "mm": "mdy", "m/": "mdy", "yy": "ymd"}
_CLOCK = (
    r"(?:[ T,]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*([AaPp])?\.?[Mm]?\.?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?"
)
_DIGITS = re.compile(rf"(\d{{1,4}})([./-])(\d{{1,2}})\2(\d{{1,4}})(?: ?р\.?)?{_CLOCK}")
_COMPACT = re.compile(rf"(\d{{4}})(\d{{2}})(\d{{2}}){_CLOCK}")
_NAMED = re.compile(rf"(\d{{1,2}})[ .-]+([^\W\d]+)\.?[ ,.-]+(\d{{4}})(?: ?р\.?)?{_CLOCK}")
_NAMED_FIRST = re.compile(rf"([^\W\d]+)\.? (\d{{1,2}}),? (\d{{4}}){_CLOCK}")
_MONTH = re.compile(r"(?:(\d{4})[-/.](\d{1,2})|(\d{1,2})[./](\d{4})|([^\W\d]+)\.? (\d{4}))")
_QUARTER = re.compile(r"(?:(\d{4})[- ]?[QqКк](\d)|[QqКк](\d)[- ]?(\d{4}))")
_YEAR = re.compile(r"[12]\d{3}")


class AmbiguousDates(ValueError):
    """Nothing in the column tells days from months."""


def parse_moment(text: str, order: str) -> date | datetime:
    """A day, or an instant where the text has a time of day; months, quarters and years mean their first day.

    order: dmy, mdy or ymd for dates that do not begin with the year; or a strptime pattern. ValueError if it is none.
    """
    if "%" in order:
        found = datetime.strptime(text, order)
        return found if re.search("%[HIMSXcT]", order) else found.date()
    if match := _DIGITS.fullmatch(text):
        first, middle, last = match[1], match[3], match[4]
        if len(first) == 4:
            parts = first, middle, last
        elif order == "mdy":
            parts = last, first, middle
        elif order == "ymd" and len(last) <= 2 and len(first) == 2:
            parts = first, middle, last
        else:
            parts = last, middle, first
        return _built(_year(parts[0]), int(parts[1]), int(parts[2]), match.groups()[4:])
    if match := _COMPACT.fullmatch(text):
        return _built(int(match[1]), int(match[2]), int(match[3]), match.groups()[3:])
    if match := _NAMED.fullmatch(text):
        return _built(int(match[3]), _month(match[2]), int(match[1]), match.groups()[3:])
    if match := _NAMED_FIRST.fullmatch(text):
        return _built(int(match[3]), _month(match[1]), int(match[2]), match.groups()[3:])
    return _period(text)


def _period(text: str) -> date:
    if match := _MONTH.fullmatch(text):
        if match[5]:
            return date(int(match[6]), _month(match[5]), 1)
        return date(int(match[1] or match[4]), int(match[2] or match[3]), 1)
    if match := _QUARTER.fullmatch(text):
        quarter = int(match[2] or match[3])
        return date(int(match[1] or match[4]), 3 * quarter - 2, 1)
    if _YEAR.fullmatch(text):
        return date(int(text), 1, 1)
    raise ValueError(text)


def detect_order(texts: Iterable[str]) -> str:
    """dmy, mdy or ymd for a column; AmbiguousDates for slashes that nothing decides."""
    votes = {"dmy": 0, "mdy": 0}
    undecided = False
    for text in texts:
        match = _DIGITS.fullmatch(text.strip())
        if match is None or len(match[1]) == 4:
            continue
        first, second = int(match[1]), int(match[3])
        if match[2] == "." or first > 12:
            votes["dmy"] += 1
        elif second > 12 or match[9]:
            votes["mdy"] += 1
        else:
            undecided = True
    if not any(votes.values()):
        if undecided:
            raise AmbiguousDates("days and months cannot be told apart")
        return "ymd"
    return max(votes, key=lambda order: votes[order])


def order_named(date_format: str) -> str:
    """`DD.MM.YYYY`, `MM/DD/YYYY`, `YYYY-MM-DD` or a strptime pattern as an order for `parse_moment`."""
    if "%" in date_format or date_format in ("dmy", "mdy", "ymd"):
        return date_format
    found = NAMED_ORDERS.get(date_format[:2].lower())
    if found is None:
        raise ValueError(f"{date_format!r} is no date format")
    return found


def _built(year: int, month: int, day: int, clock: tuple[str | None, ...]) -> date | datetime:
    hour, minute, second, fraction, half, zone = clock
    if hour is None:
        return date(year, month, day)
    hours = int(hour)
    if half:
        hours = hours % 12 + (12 if half.lower() == "p" else 0)
    micros = int((fraction or "0")[:6].ljust(6, "0"))
    return datetime(year, month, day, hours, int(minute or 0), int(second or 0), micros, tzinfo=_zone(zone))


def _zone(text: str | None) -> timezone | None:
    if text is None:
        return None
    if text in ("Z", "UTC"):
        return timezone.utc  # noqa: UP017 (the name of the class is taken)
    hours, minutes = int(text[1:3]), int(text[-2:])
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)


def _year(text: str) -> int:
    if len(text) == 4:
        return int(text)
    if len(text) != 2:
        raise ValueError(text)
    return int(text) + (2000 if int(text) < 70 else 1900)


def _month(name: str) -> int:
    try:
        return MONTHS[name.lower()]
    except KeyError:
        raise ValueError(name) from None
