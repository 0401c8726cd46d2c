"""Which days can be compared with which: public holidays, working days of a week, the phases of a quarter."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Container, Iterable
from datetime import date, timedelta

import holidays

END_DAYS = 14
START_DAYS = 7
WORKING_DAYS = 5
MONTHS = 3


def public_holidays(country: str | None, years: Iterable[int]) -> frozenset[date]:
    """Public holidays of a country (ISO 3166); none when it is not declared or not known."""
    if not country or country not in holidays.list_supported_countries():
        return frozenset()
    return frozenset(holidays.country_holidays(country, years=list(years)).keys())


def phase(day: date, fiscal_year_start: int = 1) -> str:
    """Where a day stands in its quarter: the rush of the last two weeks, the lull of the first, or between.

    fiscal_year_start: the month (1 to 12) the fiscal year begins in, whose quarters are meant.
    """
    place = (day.month - fiscal_year_start) % MONTHS
    days_left = monthrange(day.year, day.month)[1] - day.day
    if place == MONTHS - 1 and days_left < END_DAYS:
        return "end"
    return "start" if place == 0 and day.day <= START_DAYS else "middle"


def week_phase(monday: date, fiscal_year_start: int = 1) -> str:
    """The phase of a week: that of its Thursday, as ISO weeks belong to the year of theirs."""
    return phase(monday + timedelta(days=3), fiscal_year_start)


def working_share(monday: date, free: Container[date]) -> float:
    """Share of a week's working days that are no holidays."""
    return sum(monday + timedelta(days=i) not in free for i in range(WORKING_DAYS)) / WORKING_DAYS
