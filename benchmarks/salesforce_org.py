"""An org with one large object: opportunities of forty fields, as many as asked for, the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from crmlift.simulator.company import Company, SimField, SimTable
from crmlift.simulator.sales_fields import FIELDS

AS_OF = datetime(2026, 11, 2, tzinfo=UTC)
START = datetime(2024, 11, 4, tzinfo=UTC)
FIELD_COUNT = 40
_WORDS = ("renewal", "expansion", "pilot", "north", "south", "Київ", "second quarter", 'the "big" one', "two\nlines")


def opportunity_fields() -> list[SimField]:
    """The standard fields the simulator knows, filled up with custom ones to forty."""
    fields = list(FIELDS["Opportunity"])
    custom = [
        SimField("Region__c", "picklist", options=("EMEA", "AMER", "APAC")),
        SimField("Discount__c", "percent"),
        SimField("Seats__c", "double"),
        SimField("Signed__c", "date"),
        SimField("Next_Call__c", "datetime"),
        SimField("Notes__c", "textarea", length=4_000),
        SimField("Partner__c", "boolean"),
        SimField("Segment__c", "picklist", options=("SMB", "Mid", "Enterprise")),
    ]
    return (fields + custom)[:FIELD_COUNT]


def org(rows: int, seed: int = 7) -> Company:
    """A company whose Salesforce holds `rows` opportunities, each last changed at its own moment."""
    fields = opportunity_fields()
    rng = np.random.default_rng(seed)
    columns = [list(_column(field, rows, rng)) for field in fields]
    names = [field.name for field in fields]
    records: list[dict[str, Any]] = [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
    return Company(
        "benchmark", seed, AS_OF, {"Opportunity": SimTable("Opportunity", fields, records, key_prefix="006")}
    )


def _column(field: SimField, rows: int, rng: np.random.Generator) -> Iterator[Any]:
    if field.name == "Id":
        yield from (f"006Bm{n:010d}AAA" for n in range(rows))
    elif field.name == "IsDeleted":
        yield from (rng.random(rows) < 0.01).tolist()
    elif field.type == "boolean":
        yield from (rng.random(rows) < 0.3).tolist()
    elif field.type in {"currency", "double", "percent"}:
        known = rng.random(rows) < 0.9
        yield from (round(v, 2) if k else None for v, k in zip((rng.random(rows) * 1e5).tolist(), known, strict=True))
    elif field.type == "int":
        yield from rng.integers(0, 100, rows).tolist()
    elif field.type == "date":
        days = [date(2024, 11, 4) + timedelta(days=n) for n in range(900)]
        yield from (days[n] for n in rng.integers(0, 900, rows).tolist())
    elif field.type == "datetime":
        seconds = (AS_OF - START).total_seconds()
        moments = [START + timedelta(seconds=seconds * n / 50_000) for n in range(50_000)]
        yield from (moments[n] for n in rng.integers(0, 49_999, rows).tolist())
    elif field.type == "reference":
        yield from (f"{n:03d}Rf{n * 7:010d}AAA" for n in rng.integers(0, 999, rows).tolist())
    elif field.options:
        yield from (field.options[n] for n in rng.integers(0, len(field.options), rows).tolist())
    else:
        texts = [f"{_WORDS[n % len(_WORDS)]} {n}" if n % 4 else None for n in range(5_000)]
        yield from (texts[n] for n in rng.integers(0, 5_000, rows).tolist())
