"""Time as the simulator keeps it: milliseconds since 1970 UTC in int64 arrays, `NEVER` for what does not happen."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]
Index = NDArray[np.int64]
Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]

ZONE = ZoneInfo("Europe/Kyiv")
SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEKS = 156
NEVER = 2**60

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


def ms(moment: datetime) -> int:
    """Milliseconds since 1970 UTC of an aware moment."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def local_ms(day: str) -> int:
    """The instant a local ISO date begins, in milliseconds."""
    return ms(datetime.fromisoformat(day).replace(tzinfo=ZONE))


def wall_ms(day: str) -> int:
    """A local ISO date's midnight on the wall clock, as if the clock showed UTC."""
    return ms(datetime.fromisoformat(day).replace(tzinfo=UTC))


START_DAY, END_DAY = "2024-11-04", "2027-11-01"
START, END = local_ms(START_DAY), local_ms(END_DAY)
DEFAULT_AS_OF = datetime(2026, 11, 2, tzinfo=UTC)


def _clock_changes() -> tuple[Times, Times]:
    hours = np.arange(START - 400 * DAY, END + 60 * DAY, DAY)
    offsets = [datetime.fromtimestamp(h / 1000, ZONE).utcoffset() for h in hours.tolist()]
    shifts = np.array([o // timedelta(milliseconds=1) if o else 0 for o in offsets], dtype=np.int64)
    changed = np.flatnonzero(np.diff(shifts)) + 1
    days = hours[changed] // DAY * DAY
    # European clocks change at 01:00 UTC
    return days + HOUR, np.concatenate([shifts[:1], shifts[changed]])


_CHANGES, _OFFSETS = _clock_changes()


def to_wall(times: Times) -> Times:
    """UTC milliseconds → what the clock in Kyiv shows, in milliseconds; NEVER stays NEVER."""
    return np.where(times >= NEVER, NEVER, times + _OFFSETS[np.searchsorted(_CHANGES, times, side="right")])


def from_wall(wall: Times) -> Times:
    """The inverse of `to_wall`."""
    index = np.searchsorted(_CHANGES + _OFFSETS[1:], wall, side="right")
    return np.where(wall >= NEVER, NEVER, wall - _OFFSETS[index])


def local_days(times: Times) -> Times:
    """Local calendar days since 1970 of UTC milliseconds."""
    return to_wall(times) // DAY


def instants(times: Times, until: int = NEVER - 1) -> list[datetime | None]:
    """Aware datetimes; None for what lies after `until`."""
    make = datetime.fromtimestamp
    return [make(t / 1000, UTC) if t <= until else None for t in times.tolist()]


def known_instants(times: Times) -> list[datetime]:
    """Aware datetimes of times that all happen."""
    make = datetime.fromtimestamp
    return [make(t / 1000, UTC) for t in times.tolist()]


def dates(days: Iterable[int]) -> list[date | None]:
    """Dates of days since 1970; None where the day is not below NEVER."""
    make = date.fromordinal
    return [make(d + _EPOCH_ORDINAL) if d < NEVER // DAY else None for d in days]


def latest(until: int, *events: Times) -> Times:
    """Row by row the last of the events not after `until`; 0 where there is none."""
    out = np.zeros(len(events[0]), dtype=np.int64)
    for event in events:
        np.maximum(out, np.where(event <= until, event, 0), out=out)
    return out


OFFICE_DAYS = np.cumsum([0.205, 0.215, 0.215, 0.2, 0.145, 0.014, 0.006])
WEB_DAYS = np.cumsum([0.16, 0.165, 0.16, 0.155, 0.14, 0.11, 0.11])


def office_time(uniform: Numbers) -> Times:
    """Milliseconds after midnight in a working day, 08:30–18:00, busiest before and after lunch; whole seconds."""
    shape = np.array([0.0, 0.14, 0.30, 0.44, 0.5, 0.62, 0.80, 0.92, 1.0])
    hour = np.array([8.5, 9.5, 10.5, 11.7, 13.0, 14.0, 15.5, 16.8, 18.0])
    return np.asarray((np.interp(uniform, shape, hour) * 3600).astype(np.int64) * SECOND)


def web_time(uniform: Numbers) -> Times:
    """Milliseconds after midnight for visitors of a web site, 04:00–24:00; whole seconds."""
    shape = np.array([0.0, 0.05, 0.2, 0.45, 0.62, 0.8, 0.95, 1.0])
    hour = np.array([4.0, 7.5, 9.5, 12.5, 15.0, 18.5, 22.0, 23.99])
    return np.asarray((np.interp(uniform, shape, hour) * 3600).astype(np.int64) * SECOND)


def next_office_day(days: Times) -> Times:
    """Saturdays and Sundays moved to the Monday after (days since 1970; day 0 was a Thursday)."""
    weekday = (days + 3) % 7
    return days + np.where(weekday == 5, 2, 0) + np.where(weekday == 6, 1, 0)


def quarter_end_days() -> Times:
    """The last day of each calendar quarter around the simulated span, as days since 1970."""
    firsts = [date(year, month, 1) for year in range(2024, 2029) for month in (1, 4, 7, 10)]
    return np.array([d.toordinal() - _EPOCH_ORDINAL - 1 for d in firsts], dtype=np.int64)
