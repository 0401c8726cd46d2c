"""Technical copies among Salesforce's activities: an event for each invited colleague, the hidden head of a series.

Every one belongs to a record that really took place and shares its fate; none of them took place once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from crmlift.simulator.company import SimTable, Value
from crmlift.simulator.ids import KEY_PREFIX, salesforce_ids

Row = dict[str, Value]
_FIRST, _EACH = 400_000_000, 4
"""Running numbers of copies lie beyond those of all records, four to each."""


def invited(number: int) -> int:
    """How many colleagues were invited to a meeting; most have none."""
    return 1 + number % 3 if number % 23 == 5 else 0


def is_in_series(number: int) -> bool:
    """Whether an activity is one of a series, which has a head of its own."""
    return number % 41 == 7


def copies(name: str, number: int) -> list[str]:
    """Ids of the copies of an activity: the head of its series first, then one an invited colleague."""
    numbers = [_FIRST + number * _EACH] if is_in_series(number) else []
    guests = invited(number) if name == "Event" else 0
    return salesforce_ids(KEY_PREFIX[name], numbers + [_FIRST + number * _EACH + 1 + n for n in range(guests)])


def add_copies(table: SimTable, numbers: Iterable[int], colleagues: Sequence[str]) -> SimTable:
    """The table with all copies. numbers: of its records, in their order. colleagues: users who may be invited."""
    rows: list[Row] = []
    for row, number in zip(table.rows, numbers, strict=True):
        ids = copies(table.name, number)
        head = ids.pop(0) if is_in_series(number) else None
        rows.append({**row, "RecurrenceActivityId": head, "IsRecurrence": False})
        if head is not None:
            rows.append({**row, "Id": head, "RecurrenceActivityId": head, "IsRecurrence": True})
        if table.name == "Event":
            rows[-1 if head is None else -2] |= {"IsGroupEvent": bool(ids), "IsChild": False}
            rows += [
                {**row, "Id": i, "IsChild": True, "IsGroupEvent": True, "IsRecurrence": False,
                 "OwnerId": colleagues[(number + n) % len(colleagues)]}
                for n, i in enumerate(ids)
            ]  # fmt: skip
    for row in rows:
        row |= {f.name: False for f in table.fields if f.type == "boolean" and row.get(f.name) is None}
    return SimTable(table.name, table.fields, rows, key_prefix=table.key_prefix)
