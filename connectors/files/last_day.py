"""The day on which the records of files end: what comes after it is silence of the file, not of the company."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from connectors.files.entities import day_field

if TYPE_CHECKING:
    import pyarrow as pa

HAPPENED: Mapping[str, tuple[str, ...]] = {
    "opportunity": ("created_at", "closed_at"),
    "lead": ("created_at", "first_touch_at", "qualified_at", "converted_at", "disqualified_at"),
    "ticket": ("created_at", "first_response_at", "closed_at"),
    "activity": ("occurred_at",),
    "survey_response": ("responded_at",),
}
"""Entities that are records of what happened → their moments. An open deal's close is a plan, and does not count."""
CLOSED = ("won", "lost")
STRAY_SHARE, STRAY_GAP_DAYS = 0.005, 45
"""So few rows, so long after all others, are slips of the year or the month."""


@dataclass
class LastDay:
    """Takes in the days of an entity's records."""

    entity: str
    days: Counter[date] = field(default_factory=Counter)

    def add(self, values: Mapping[str, str]) -> None:
        """Take in a record."""
        for name in HAPPENED.get(self.entity, ()):
            is_plan = (
                name == "closed_at" and self.entity == "opportunity" and values.get("status", "").lower() not in CLOSED
            )
            if is_plan:
                continue
            text = values.get(day_field(name)) or values.get(name) or ""
            if text[:4].isdigit():
                self.days[date.fromisoformat(text[:10])] += 1

    def add_table(self, table: pa.Table, column_of: Mapping[str, str]) -> None:
        """Take in the rows of a piece of a plain file. column_of: target → column."""
        import pyarrow as pa
        import pyarrow.compute as pc

        for name in HAPPENED.get(self.entity, ()):
            if name not in column_of:
                continue
            rows = table
            if name == "closed_at" and self.entity == "opportunity":
                status = pc.utf8_lower(table.column(column_of["status"]))
                rows = table.filter(pc.is_in(status, pa.array(CLOSED)))
            counted = pc.value_counts(pc.utf8_slice_codeunits(rows.column(column_of[name]), 0, 10)).to_pylist()
            for one in counted:
                if one["values"]:
                    self.days[date.fromisoformat(one["values"])] += one["counts"]

    def end(self, today: date) -> tuple[date | None, int]:
        """The last day with records up to today, and how many rows lie too far after it to be meant."""
        known = sorted(day for day in self.days if day <= today)
        total, late = sum(self.days[day] for day in known), 0
        for before, day in zip(reversed(known[:-1]), reversed(known), strict=False):
            late += self.days[day]
            if late > STRAY_SHARE * total:
                break
            if (day - before).days > STRAY_GAP_DAYS:
                return before, late
        return (known[-1] if known else None), 0
