"""Rows that are gone for good: asked from the deletion log, which reaches back fifteen days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connectors.contract import StreamSchema, Window
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.failures import QueryRefused
from connectors.salesforce.rest import as_lines

LOG_REACH = timedelta(days=15)
MARGIN = timedelta(minutes=2)
"""The log is kept to the minute; the overlap of two windows must cover what that cuts off."""


def deleted_ids(client: SalesforceClient, schema: StreamSchema, window: Window) -> tuple[bytes, int] | None:
    """JSON lines of Ids deleted in the window and their number; None when the log does not cover the window.

    Undeleted rows are not in the log; rows in the recycle bin are, and mean the same as their IsDeleted.
    """
    if window.since is None:
        return None
    start = window.since - MARGIN
    if window.until - start >= LOG_REACH:
        return None
    try:
        answer = client.get(
            f"sobjects/{schema.table}/deleted/",
            f"asking for deleted {schema.table}",
            params={"start": _to_minute(start), "end": _to_minute(window.until)},
        ).json()
    except QueryRefused:
        return None
    if _instant(answer["earliestDateAvailable"]) > start:
        return None
    records = [{"Id": each["id"]} for each in answer["deletedRecords"]]
    return as_lines(records), len(records)


def _to_minute(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:00+00:00")


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
