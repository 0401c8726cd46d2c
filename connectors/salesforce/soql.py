"""The queries we send. No ORDER BY and no LIMIT: they would switch off the chunking of large objects."""

from __future__ import annotations

from datetime import UTC, datetime

from connectors.contract import StreamSchema, Window


def records(schema: StreamSchema, window: Window) -> str:
    """All fields of the rows that changed in the window."""
    columns = ", ".join(field.name for field in schema.fields)
    return f"SELECT {columns} FROM {schema.table}{_where(schema, window)}"


def changed_count(schema: StreamSchema, window: Window) -> str:
    """How many rows `records` will give."""
    return f"SELECT COUNT() FROM {schema.table}{_where(schema, window)}"


def keys(schema: StreamSchema) -> str:
    """The Ids of all rows, whenever they changed."""
    return f"SELECT Id FROM {schema.table}"


def count(schema: StreamSchema) -> str:
    """How many rows there are, deleted ones too."""
    return f"SELECT COUNT() FROM {schema.table}"


def live_count(schema: StreamSchema, until: datetime | None) -> str:
    """How many rows `records` would give for all time up to `until` that are not deleted.

    For queryAll, as the records are: query leaves out activities older than a year. Rows born since are in no load.
    """
    fields = {field.name for field in schema.fields}
    bounds = ["IsDeleted = false"] if schema.deleted_field else []
    if until is not None and schema.version_field is not None and "CreatedDate" in fields:
        bounds.append(f"CreatedDate < {instant(until)}")
    return count(schema) + (f" WHERE {' AND '.join(bounds)}" if bounds else "")


def instant(at: datetime) -> str:
    """A SOQL dateTime literal in UTC, to the millisecond."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def _where(schema: StreamSchema, window: Window) -> str:
    if schema.is_snapshot or schema.version_field is None:
        return ""
    bounds = [f"{schema.version_field} < {instant(window.until)}"]
    if window.since is not None:
        bounds.insert(0, f"{schema.version_field} >= {instant(window.since)}")
    return f" WHERE {' AND '.join(bounds)}"
