"""What every real account has some of: fields that become visible, links made later, ids as formulas write them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import numpy as np

from crmlift.simulator.clock import DAY, NEVER, Index, Times, local_ms
from crmlift.simulator.company import SimTable

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ARCHIVED_AFTER_DAYS = 365
"""Salesforce moves activities that are over into its archive: queryAll still finds them, query does not."""

SHOWN_SINCE = {("Opportunity", "Loss_Reason__c"): local_ms("2025-06-02")}
"""Fields that the integration user may see from a day on; showing one moves no record's stamp."""

LINKED_LATER = ("calls", "notes")
"""What people log first and link to a person some days later, which moves no stamp either."""


def without_hidden(tables: Iterable[SimTable], at: int) -> list[SimTable]:
    """The tables as the integration user sees them at a moment."""
    return [
        _shown(table, {f for (t, f), since in SHOWN_SINCE.items() if t == table.name and at < since})
        for table in tables
    ]


def _shown(table: SimTable, hidden: set[str]) -> SimTable:
    if not hidden:
        return table
    fields = tuple(field for field in table.fields if field.name not in hidden)
    rows = [{name: value for name, value in row.items() if name not in hidden} for row in table.rows]
    return SimTable(table.name, fields, rows, table.history, table.key_prefix)


def linked_at(logged: Times, numbers: Index) -> Times:
    """When activities were linked to a person: with one in forty some days after they were logged."""
    days = 2 + numbers % 17
    return np.where(numbers % 40 == 11, logged + days * DAY, logged)


def archived(took_place: Times, at: int) -> list[bool]:
    """Whether each of these activities lies in the archive at a moment."""
    return ((took_place < NEVER) & (took_place < at - ARCHIVED_AFTER_DAYS * DAY)).tolist()  # type: ignore[no-any-return]


def as_formula(ids: Iterable[str | None]) -> list[str | None]:
    """Salesforce ids as formulas and reports write them: 15 characters that differ in capitals."""
    return [None if record is None else record[:15] for record in ids]


def with_lost_dates(created: list[datetime | None], numbers: Index) -> list[datetime | None]:
    """Creation dates of which an import from an older system lost a few: computers then write their first instant."""
    return [_EPOCH if n % 1499 == 11 else at for at, n in zip(created, numbers.tolist(), strict=True)]


def fleet_sizes(numbers: Index) -> list[str | int | None]:
    """A number property as people fill it: mostly not at all, mostly numbers."""
    typed = (None, None, 12, 3, None, 40, 7)
    return ["about 40" if n % 211 == 3 else typed[n % len(typed)] for n in numbers.tolist()]


def ticket_numbers(tickets: Index) -> list[str | int | None]:
    """HubSpot's own number property that holds a list where an e-mail belongs to two tickets, and is blank without."""
    return [None if n < 0 else f"{n};{n + 1}" if n % 53 == 9 else "" if n % 53 == 10 else n for n in tickets.tolist()]
