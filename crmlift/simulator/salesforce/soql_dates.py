"""Relative date literals of SOQL as half-open intervals of days (UTC; the fiscal year is the calendar year)."""

from __future__ import annotations

from datetime import date, timedelta

from crmlift.simulator.salesforce.soql_ast import RelativeDate

Interval = tuple[date, date]

_FIXED_UNITS = {"WEEK": "WEEK", "MONTH": "MONTH", "QUARTER": "QUARTER", "YEAR": "YEAR"}


def interval(literal: RelativeDate, today: date) -> Interval | None:
    """First day and the day after the last one, None for a literal SOQL does not know."""
    name, n = literal.name.replace("FISCAL_", ""), literal.n
    if name in {"YESTERDAY", "TODAY", "TOMORROW"} and n is None:
        day = today + timedelta(days={"YESTERDAY": -1, "TODAY": 0, "TOMORROW": 1}[name])
        return day, day + timedelta(days=1)
    if name in {"LAST_90_DAYS", "NEXT_90_DAYS"} and n is None:
        name, n = name.replace("90", "N"), 90
    if n is None:
        return _one_unit(name, today)
    return _n_units(name, n, today)


def _one_unit(name: str, today: date) -> Interval | None:
    direction, _, unit = name.partition("_")
    steps = {"LAST": -1, "THIS": 0, "NEXT": 1}.get(direction)
    if steps is None or unit not in _FIXED_UNITS:
        return None
    start = _start(unit, today)
    return _shift(unit, start, steps), _shift(unit, start, steps + 1)


def _n_units(name: str, n: int, today: date) -> Interval | None:
    if name.endswith("_DAYS_AGO") and name.startswith("N_"):
        day = today - timedelta(days=n)
        return day, day + timedelta(days=1)
    if name == "LAST_N_DAYS":
        return today - timedelta(days=n), today + timedelta(days=1)
    if name == "NEXT_N_DAYS":
        return today + timedelta(days=1), today + timedelta(days=n + 1)
    parts = name.split("_")
    unit = (parts[2] if parts[:1] != ["N"] and len(parts) > 2 else parts[1] if len(parts) > 1 else "").rstrip("S")
    if unit not in _FIXED_UNITS:
        return None
    start = _start(unit, today)
    spans = {
        f"LAST_N_{unit}S": (-n, 0),
        f"NEXT_N_{unit}S": (1, n + 1),
        f"N_{unit}S_AGO": (-n, 1 - n),
    }
    if name not in spans:
        return None
    first, after = spans[name]
    return _shift(unit, start, first), _shift(unit, start, after)


def _start(unit: str, day: date) -> date:
    if unit == "WEEK":
        return day - timedelta(days=(day.weekday() + 1) % 7)  # weeks of an en_US org start on Sunday
    month = {"MONTH": day.month, "QUARTER": (day.month - 1) // 3 * 3 + 1, "YEAR": 1}[unit]
    return date(day.year, month, 1)


def _shift(unit: str, start: date, steps: int) -> date:
    if unit == "WEEK":
        return start + timedelta(weeks=steps)
    months = start.year * 12 + start.month - 1 + steps * {"MONTH": 1, "QUARTER": 3, "YEAR": 12}[unit]
    return date(months // 12, months % 12 + 1, 1)
