"""From the sales tables to Pipedrive's records: users, roles, people, companies, products, leads, activities."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from crmlift.simulator.company import Company, SimTable

Row = dict[str, Any]
_DIGITS = {d: n for n, d in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")}
_KINDS = {"call": "call", "email": "email"}
_SOURCES = uuid.UUID("6f0c9f0e-0000-4000-8000-000000000000")
BIN_DAYS = 30
"""Deleted deals are listed for so long; other deleted records are not listed at all."""


def number_of(record_id: Any) -> int | None:
    """The numeric id of a record of the sales side."""
    if not record_id:
        return None
    number = 0
    for digit in str(record_id)[10:15]:
        number = number * 62 + _DIGITS[digit]
    return number


def lead_id(record_id: Any) -> str | None:
    """Leads have UUIDs."""
    return str(uuid.uuid5(_SOURCES, str(record_id))) if record_id else None


def v2_time(at: datetime | None) -> str | None:
    """`2026-01-05T10:00:00Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def v1_time(at: datetime | None) -> str | None:
    """`2026-01-05 10:00:00`, UTC too."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if at else None


def rows_of(company: Company, name: str) -> list[Row]:
    """Rows of a sales table; none where the company lacks it."""
    table: SimTable | None = company.salesforce.get(name)
    return table.rows if table is not None else []


def alive(company: Company, name: str) -> list[Row]:
    """Rows that are not deleted."""
    return [row for row in rows_of(company, name) if not row.get("IsDeleted")]


def users(company: Company) -> list[Row]:
    """GET /v1/users."""
    return [
        {
            "id": number_of(row["Id"]), "name": row.get("Name"), "email": row.get("Email"), "default_currency": "EUR",
            "locale": "uk_UA", "lang": 1, "phone": None, "activated": True, "timezone_name": "Europe/Kyiv",
            "last_login": v1_time(row.get("LastLoginDate")), "created": v1_time(row["CreatedDate"]),
            "modified": v1_time(row["LastModifiedDate"]), "active_flag": bool(row.get("IsActive")), "is_admin": 0,
            "role_id": number_of(row.get("UserRoleId")), "is_you": False, "is_deleted": False,
        }
        for row in rows_of(company, "User")
    ]  # fmt: skip


def roles(company: Company) -> list[Row]:
    """GET /v1/roles."""
    return [
        {
            "id": number_of(row["Id"]), "parent_role_id": number_of(row.get("ParentRoleId")), "name": row["Name"],
            "active_flag": True, "assignment_count": "0", "sub_role_count": "0",
        }
        for row in rows_of(company, "UserRole")
    ]  # fmt: skip


def organizations(company: Company) -> list[Row]:
    """GET /api/v2/organizations."""
    return [
        {
            **_common(row), "name": row.get("Name"), "website": row.get("Website"), "industry": row.get("Industry"),
            "annual_revenue": row.get("AnnualRevenue"), "employee_count": row.get("NumberOfEmployees"),
            "address": {"value": row.get("BillingCountry"), "country": row.get("BillingCountry")},
        }
        for row in alive(company, "Account")
    ]  # fmt: skip


def persons(company: Company) -> list[Row]:
    """GET /api/v2/persons."""
    return [
        {
            **_common(row), "name": row.get("Name"), "first_name": row.get("FirstName"),
            "last_name": row.get("LastName"), "org_id": number_of(row.get("AccountId")), "job_title": row.get("Title"),
            "emails": [{"label": "work", "value": row["Email"], "primary": True}] if row.get("Email") else [],
            "phones": [{"label": "work", "value": row["Phone"], "primary": True}] if row.get("Phone") else [],
        }
        for row in alive(company, "Contact")
    ]  # fmt: skip


def products(company: Company) -> list[Row]:
    """GET /api/v2/products."""
    return [
        {
            **_common(row), "name": row.get("Name"), "code": row.get("ProductCode"), "description": None, "unit": None,
            "tax": 0, "category": row.get("Family"), "is_linkable": bool(row.get("IsActive", True)),
            "prices": [], "billing_frequency": "one-time",
        }
        for row in alive(company, "Product2")
    ]  # fmt: skip


def leads(company: Company, *, is_archived: bool) -> list[Row]:
    """GET /v1/leads and /v1/leads/archived; a lead that became a deal is gone."""
    return [
        {
            "id": lead_id(row["Id"]), "title": f"{row.get('Company') or row.get('Name')} lead",
            "owner_id": number_of(row.get("OwnerId")), "creator_id": number_of(row.get("CreatedById")),
            "label_ids": [], "person_id": None, "organization_id": None, "source_name": row.get("LeadSource"),
            "origin": "ManuallyCreated", "origin_id": None, "channel": None, "channel_id": None,
            "is_archived": is_archived, "was_seen": row.get("Status") != "Open - Not Contacted", "value": None,
            "expected_close_date": None, "next_activity_id": None, "add_time": _milliseconds(row["CreatedDate"]),
            "update_time": _milliseconds(row["SystemModstamp"]), "visible_to": "3", "cc_email": None,
        }
        for row in alive(company, "Lead")
        if not row.get("IsConverted") and (row.get("Status") == "Closed - Not Converted") is is_archived
    ]  # fmt: skip


def activities(company: Company) -> list[Row]:
    """GET /api/v2/activities: tasks get even ids, events odd ones; Salesforce's technical copies are none here."""
    tasks, events = (
        [row for row in alive(company, name) if not (row.get("IsChild") or row.get("IsRecurrence"))]
        for name in ("Task", "Event")
    )
    made = [_activity(row, 2 * (number_of(row["Id"]) or 0)) | _task(row) for row in tasks]
    return made + [_activity(row, 2 * (number_of(row["Id"]) or 0) + 1) | _event(row, company) for row in events]


def _activity(row: Row, record_id: int) -> Row:
    who, what = str(row.get("WhoId") or ""), str(row.get("WhatId") or "")
    org = row.get("AccountId") or (what if what.startswith("001") else None)
    return {
        **_common(row), "id": record_id, "subject": row.get("Subject"),
        "creator_user_id": number_of(row.get("CreatedById")),
        "deal_id": number_of(what) if what.startswith("006") else None, "org_id": number_of(org),
        "person_id": number_of(who) if who.startswith("003") else None,
        "lead_id": lead_id(who) if who.startswith("00Q") else None, "project_id": None, "busy": None, "note": None,
        "priority": None, "participants": [], "attendees": [], "location": None, "public_description": None,
    }  # fmt: skip


def _task(row: Row) -> Row:
    kind = str(row.get("TaskSubtype") or row.get("Type") or "").lower()
    seconds = row.get("CallDurationInSeconds")
    due = row.get("ActivityDate")
    return {
        "type": _KINDS.get(kind, "task"), "due_date": due.isoformat() if due else None, "due_time": None,
        "duration": str(timedelta(seconds=seconds))[:-3].zfill(5) if seconds else None,
        "done": bool(row.get("IsClosed")), "marked_as_done_time": v2_time(row.get("CompletedDateTime")),
    }  # fmt: skip


def _event(row: Row, company: Company) -> Row:
    start, minutes = row.get("StartDateTime"), row.get("DurationInMinutes") or 0
    is_done = start is not None and start <= company.as_of
    end = start + timedelta(minutes=minutes) if start else None
    return {
        "type": "meeting", "due_date": start.date().isoformat() if start else None,
        "due_time": start.strftime("%H:%M:%S") if start else None,
        "duration": f"{minutes // 60:02d}:{minutes % 60:02d}",
        "done": is_done, "marked_as_done_time": v2_time(end) if is_done else None,
    }  # fmt: skip


def _common(row: Mapping[str, Any]) -> Row:
    owner = row.get("OwnerId")
    return {
        "id": number_of(row["Id"]), "owner_id": number_of(owner) if str(owner).startswith("005") else None,
        "add_time": v2_time(row["CreatedDate"]), "update_time": v2_time(row["SystemModstamp"]), "is_deleted": False,
        "visible_to": 3, "label_ids": [], "custom_fields": {},
    }  # fmt: skip


def _milliseconds(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")[:23] + "Z"
