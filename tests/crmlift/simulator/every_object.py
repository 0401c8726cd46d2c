"""A company with some records of every object type HubSpot has, a custom one too, and links between all of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from crmlift.simulator.company import Association, Company, HistoryEntry, SimField, SimTable
from crmlift.simulator.hubspot.object_types import standard_types

AS_OF = datetime(2026, 11, 2, tzinfo=UTC)
START = datetime(2026, 1, 5, 8, tzinfo=UTC)
CUSTOM = "machines"
RECORDS, ARCHIVED_EVERY = 230, 23
_PROPERTIES = (
    SimField("hs_object_id", "number"),
    SimField("name", "string"),
    SimField("amount", "number"),
    SimField("is_open", "bool"),
    SimField("start_date", "date"),
    SimField("hubspot_owner_id", "enumeration"),
    SimField("hs_merged_object_ids", "enumeration"),
)
_STAGES = {
    "deals": "dealstage",
    "tickets": "hs_pipeline_stage",
    "leads": "hs_pipeline_stage",
    "contacts": "lifecyclestage",
}


def every_object(records: int = RECORDS, as_of: datetime = AS_OF) -> Company:
    """Each type has another number of records, `records` and a few more."""
    names = [kind.plural for kind in standard_types()] + [CUSTOM]
    tables = {name: _table(number, name, records + number, as_of) for number, name in enumerate(names)}
    stage = {"id": "1", "label": "New", "displayOrder": 0, "archived": False, "metadata": {"isClosed": "false"}}
    pipeline = {"id": "p", "label": "One", "displayOrder": 0, "archived": False, "stages": [stage],
                "createdAt": START, "updatedAt": START}  # fmt: skip
    owners = [
        {"id": str(n), "email": f"o{n}@acme.example", "firstName": "O", "lastName": str(n), "userId": 100 + n,
         "archived": n == 3, "createdAt": START, "updatedAt": START, "type": "PERSON",
         "teams": [{"id": str(7 + n % 2), "name": f"Team {n % 2}", "primary": True}]}
        for n in range(1, 8)
    ]  # fmt: skip
    return Company(
        "every-object", 1, as_of, hubspot=tables, associations=_links(tables), owners=owners,
        pipelines={name: [pipeline] for name in ("deals", "tickets", "leads")},
        pipeline_edits={"p": [(START, {"1": "Fresh", "0": "Gone"}), (START + timedelta(days=9), {"1": "New"})]},
        exchange_rates=[
            {"id": str(n), "fromCurrencyCode": "USD", "toCurrencyCode": "EUR", "conversionRate": 0.9 + n / 1000,
             "effectiveAt": START + timedelta(days=n), "createdAt": START, "updatedAt": START}
            for n in range(120)
        ],
        logins=[
            {"id": str(n), "userId": 101 + n % 7, "email": "o@acme.example", "loginSucceeded": True,
             "loginAt": as_of - timedelta(hours=n)}
            for n in range(1, 31)
        ],
    )  # fmt: skip


def _table(number: int, name: str, records: int, as_of: datetime) -> SimTable:
    stamps = ("createdate", "lastmodifieddate") if name == "contacts" else ("hs_createdate", "hs_lastmodifieddate")
    stage = _STAGES.get(name)
    more = (*stamps, "createdate") if stage else stamps
    fields = [*_PROPERTIES, *(SimField(stamp, "datetime") for stamp in dict.fromkeys(more))]
    if stage:
        fields.append(SimField(stage, "enumeration", options=("1", "2")))
    rows, history = [], {}
    for n in range(records):
        record_id, at = str(1_000_000 * (number + 1) + 13 * n), START + timedelta(hours=n % 900)
        is_archived = n % ARCHIVED_EVERY == ARCHIVED_EVERY - 1
        row: dict[str, Any] = {
            "id": record_id, "createdAt": START, "updatedAt": at, "archived": is_archived,
            "archivedAt": at if is_archived else None, "hs_object_id": int(record_id), "name": f"№ {n}",
            "amount": n * 1.25 if n % 3 else None, "is_open": bool(n % 2), "start_date": date(2026, 1, 5 + n % 20),
            "hubspot_owner_id": str(1 + n % 7), **dict.fromkeys(more, START), stamps[1]: at,
        }  # fmt: skip
        if stage:
            row[stage] = str(1 + n % 2)
            history[record_id] = {stage: [HistoryEntry("1", START), HistoryEntry(row[stage], at, user_id="101")]}
        rows.append(row)
    return SimTable(name, fields, rows, history)  # type: ignore[arg-type]


def _links(tables: dict[str, SimTable]) -> list[Association]:
    """Each record of a type with one of the next type, in a circle; the first of each has a label as well."""
    names = list(tables)
    links = []
    for one, other in zip(names, [*names[1:], names[0]], strict=True):
        pairs = zip(tables[one].rows, tables[other].rows, strict=False)
        links += [Association(one, str(a["id"]), other, str(b["id"]), type_id=901) for a, b in pairs]
        first = links[-1]
        links.append(Association(one, first.from_id, other, first.to_id, "USER_DEFINED", 77, "Special"))
    return links
