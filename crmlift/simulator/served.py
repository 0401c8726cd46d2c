"""A company as the servers look at it: tables with an index by id, and the simulated clock."""

from __future__ import annotations

import time
from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from typing import Any

from crmlift.simulator.company import Company, SimField, SimTable

Row = dict[str, Any]


class SimulatedClock:
    """The present of the company: its as_of, standing still or moving on in real time from the start of serving."""

    def __init__(self, as_of: datetime, is_ticking: bool) -> None:
        self.as_of, self.is_ticking = as_of.astimezone(UTC), is_ticking
        self._started = time.monotonic()

    def now(self) -> datetime:
        """The simulated present, aware UTC."""
        return self.as_of + self.elapsed() if self.is_ticking else self.as_of

    def elapsed(self) -> timedelta:
        """Real time since serving began."""
        return timedelta(seconds=time.monotonic() - self._started)


class ServedTable:
    """One table with what lookups need, derived lazily and again whenever rows come or go.

    Rows edited in place are seen at once; after a row object is exchanged for another call `forget`.
    """

    def __init__(self, table: SimTable, key: str) -> None:
        self.table, self.key = table, key
        self.fields: dict[str, SimField] = {f.name.lower(): f for f in table.fields}
        self._stamp: tuple[int, int] | None = None
        self._by_id: dict[str, Row] = {}
        self._numbers: list[int] = []
        self._ordered: list[Row] = []
        self.version = 0

    @property
    def name(self) -> str:
        """The object's name."""
        return self.table.name

    @property
    def rows(self) -> list[Row]:
        """All rows, deleted and archived ones too."""
        return self.table.rows

    def field(self, name: str) -> SimField | None:
        """A field by name, case ignored, None when the object has none of that name."""
        return self.fields.get(name.lower())

    def forget(self) -> None:
        """Drop everything derived from the rows."""
        self._stamp = None

    def refresh(self) -> None:
        """Bring the indexes up to the rows."""
        stamp = (id(self.table.rows), len(self.table.rows))
        if stamp == self._stamp:
            return
        self._by_id = {str(row[self.key]): row for row in self.table.rows}
        self._ordered, self._numbers = [], []
        self._stamp = stamp
        self.version += 1

    def find(self, record_id: str) -> Row | None:
        """The row with this id, deleted or not."""
        self.refresh()
        return self._by_id.get(record_id)

    def ordered(self) -> tuple[list[Row], list[int]]:
        """Rows in the order of their numeric ids, and those numbers (HubSpot pages by them)."""
        self.refresh()
        if len(self._ordered) != len(self.table.rows):
            self._ordered = sorted(self.table.rows, key=lambda row: int(row[self.key]))
            self._numbers = [int(row[self.key]) for row in self._ordered]
        return self._ordered, self._numbers

    def position(self, record_number: int) -> int:
        """Index in `ordered` of the first row whose id is at least this number."""
        return bisect_left(self.ordered()[1], record_number)


class ServedCompany:
    """The company behind both vendors' interfaces."""

    def __init__(self, company: Company, clock: SimulatedClock) -> None:
        self.clock = clock
        self.set_company(company)

    def set_company(self, company: Company) -> None:
        """Serve another state of the company from now on (sessions, jobs and limits go on)."""
        self.company = company
        self.clock.as_of = company.as_of.astimezone(UTC)
        self.salesforce = {name: ServedTable(table, "Id") for name, table in company.salesforce.items()}
        self.hubspot = {name: ServedTable(table, "id") for name, table in company.hubspot.items()}
        self.generation = getattr(self, "generation", 0) + 1

    def refresh(self) -> None:
        """Call after editing the company's rows other than by adding or removing some."""
        self.set_company(self.company)
