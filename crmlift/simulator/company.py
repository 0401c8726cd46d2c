"""The data a simulated company holds, as its two CRMs would return it; the server serves it, the export writes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

Value = str | int | float | bool | datetime | date | None


@dataclass(frozen=True)
class SimField:
    """A field as the vendor declares it.

    type: Salesforce describe types (id, reference, string, picklist, currency, double, int, percent, boolean, date,
    datetime, email, phone, url, textarea) or HubSpot property types (string, number, datetime, date, bool,
    enumeration).
    """

    name: str
    type: str
    label: str = ""
    length: int = 255
    options: tuple[str, ...] = ()
    reference_to: tuple[str, ...] = ()
    relationship: str | None = None
    is_calculated: bool = False


@dataclass(frozen=True)
class HistoryEntry:
    """One past value of a HubSpot property (the vendor returns them newest first)."""

    value: str
    at: datetime
    source_type: str = "CRM_UI"
    user_id: str | None = None


@dataclass
class SimTable:
    """One object type. Rows are keyed by native field names; values are Python values, instants aware UTC.

    Salesforce rows hold Id, IsDeleted, CreatedDate, SystemModstamp, LastModifiedDate where the object has them.
    HubSpot rows hold the reserved keys id, createdAt, updatedAt, archived, archivedAt, and every property beside them
    (hs_object_id, createdate, hs_lastmodifieddate or lastmodifieddate among the properties).
    history: record id → property → entries, oldest first (HubSpot only).
    """

    name: str
    fields: Sequence[SimField]
    rows: list[dict[str, Value]]
    history: dict[str, dict[str, list[HistoryEntry]]] = field(default_factory=dict)
    key_prefix: str = ""


@dataclass(frozen=True)
class Association:
    """HubSpot: a labelled link between two records; stored once, served in both directions."""

    from_type: str
    from_id: str
    to_type: str
    to_id: str
    category: str = "HUBSPOT_DEFINED"
    type_id: int = 1
    label: str | None = None


@dataclass
class Company:
    """Everything the two CRMs would answer at one instant.

    salesforce, hubspot: object name → table (`Opportunity`, `deals`).
    owners: HubSpot owners as the API returns them (id, email, firstName, lastName, userId, archived, createdAt,
    updatedAt, teams: [{id, name, primary}]). pipelines: object type → pipelines as the API returns them.
    logins: HubSpot account-info log-in activity entries.
    pipeline_edits: HubSpot pipeline id → what it was like after each edit: (when, stage id → label), oldest first.
    exchange_rates: HubSpot rates as the currencies API returns them.
    purged: Salesforce object → [(id, deleted at)] of rows that are gone for good.
    rollout: waves as `crmlift.yml` would declare them. truth: kpi_id → planted relative effect (0.0: none), and
    anything else a test needs to compare with.
    """

    name: str
    seed: int
    as_of: datetime
    salesforce: dict[str, SimTable] = field(default_factory=dict)
    hubspot: dict[str, SimTable] = field(default_factory=dict)
    associations: list[Association] = field(default_factory=list)
    owners: list[dict[str, Any]] = field(default_factory=list)
    pipelines: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    logins: list[dict[str, Any]] = field(default_factory=list)
    pipeline_edits: dict[str, list[tuple[datetime, dict[str, str]]]] = field(default_factory=dict)
    exchange_rates: list[dict[str, Any]] = field(default_factory=list)
    purged: dict[str, list[tuple[str, datetime]]] = field(default_factory=dict)
    rollout: Mapping[str, Any] = field(default_factory=dict)
    truth: Mapping[str, Any] = field(default_factory=dict)
