"""Pages read back as records, for the conformance checks: parsed by other means than the load's."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from connectors.contract import (
    Checkpoint,
    Connector,
    Field,
    FieldType,
    Page,
    PageFormat,
    PageKind,
    StreamSchema,
    Window,
)
from connectors.errors import TransientSourceFailure
from connectors.landing_part import ATTEMPTS, RowCounter

Row = Mapping[str, Any]
_EPOCH_MS = re.compile(r"-?[0-9]{10,14}")


@dataclass(frozen=True)
class ReadPage:
    """A page and its rows. said: the rows it says it has. is_repeatable: its body read again is the same. schema: the
    stream's shape as it had become by then, where that was told.
    """

    stream: str
    kind: PageKind
    rows: Sequence[Row]
    said: int | None
    checkpoint: Checkpoint
    is_repeatable: bool = True
    schema: StreamSchema | None = None


@dataclass(frozen=True)
class Read:
    """The pages of one read; is_cut: there were more."""

    pages: Sequence[ReadPage]
    is_cut: bool = False

    def has(self, kind: PageKind) -> bool:
        """Whether a page of this kind came."""
        return any(page.kind is kind for page in self.pages)

    def rows(self, stream: str, kind: PageKind = PageKind.UPSERT) -> list[Row]:
        """Records of a stream, in the order they came."""
        return [row for page in self.pages if page.stream == stream and page.kind is kind for row in page.rows]

    def keys(self, schema: StreamSchema) -> list[Any]:
        """Keys of the records that came whole."""
        return [key_of(row, schema) for row in self.rows(schema.stream)]

    def named(self, schema: StreamSchema, kind: PageKind) -> set[Any]:
        """Keys in pages of keys only."""
        return {key_of(row, schema) for row in self.rows(schema.stream, kind)} - {None}

    def versions(self, schema: StreamSchema) -> dict[Any, datetime]:
        """Key → the version of records that have one; the newest where a record came twice."""
        wanted = next((f for f in schema.fields if f.name == schema.version_field), None)
        if wanted is None:
            return {}
        found: dict[Any, datetime] = {}
        for row in self.rows(schema.stream):
            at = instant_of(value_of(row, wanted))
            if at is not None:
                key = key_of(row, schema)
                found[key] = max(at, found.get(key, at))
        return found

    def deleted(self, schema: StreamSchema) -> set[Any]:
        """Keys of records flagged as deleted."""
        wanted = next((f for f in schema.fields if f.name == schema.deleted_field), None)
        if wanted is None:
            return set()
        rows = self.rows(schema.stream)
        return {key_of(row, schema) for row in rows if str(value_of(row, wanted)).lower() in {"true", "1"}}

    def live(self, schema: StreamSchema) -> set[Any]:
        """Keys of records that are not flagged as deleted."""
        return set(self.keys(schema)) - self.deleted(schema)


def read_pages(
    connector: Connector, schema: StreamSchema, window: Window, checkpoint: Checkpoint | None, most_rows: int
) -> Read:
    """Read until the end or until so many rows came."""
    pages: list[ReadPage] = []
    rows, grown = 0, None
    for page in connector.read(schema, window, checkpoint):
        body = _whole_body(page)
        parsed = _parsed(page, body)
        is_repeatable = not page.body or _whole_body(page) == body
        grown = page.schema or grown
        said = page.promised_rows
        pages.append(ReadPage(page.stream, page.kind, parsed, said, page.checkpoint, is_repeatable, grown))
        rows += len(parsed)
        if rows >= most_rows:
            return Read(pages, is_cut=True)
    return Read(pages)


def _whole_body(page: Page) -> bytes:
    """The body, read again as the landing zone does when it broke off or is cut."""
    for _ in range(ATTEMPTS - 1):
        try:
            body = b"".join(page.body)
        except (TransientSourceFailure, OSError):
            continue
        counter = RowCounter(page.format)
        counter.feed(body)
        if not counter.is_cut and page.promised_rows in (None, counter.rows):
            return body
    return b"".join(page.body)


def _parsed(page: Page, body: bytes) -> list[Row]:
    if page.format is PageFormat.JSONL:
        return [json.loads(line) for line in body.split(b"\n") if line.strip()]
    return list(csv.DictReader(io.StringIO(body.decode("utf-8"), newline="")))


def value_of(row: Row, field: Field) -> Any:
    """A field's value in a record; nothing, null and "" are None."""
    here: Any = row
    for part in field.path or (field.name,):
        here = here.get(part) if isinstance(here, Mapping) else None
    return None if here == "" else here


def key_of(row: Row, schema: StreamSchema) -> Any:
    """The value of the key; a tuple where it is of several fields."""
    fields = {f.name: f for f in schema.fields}
    parts = tuple(value_of(row, fields[name]) for name in schema.primary_key)
    return parts[0] if len(parts) == 1 else parts


def instant_of(value: Any) -> datetime | None:
    """A timestamp as the load reads it: ISO-8601, or milliseconds since 1970."""
    if value is None:
        return None
    text = str(value)
    if _EPOCH_MS.fullmatch(text):
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def misfit(row: Row, field: Field) -> bool:
    """Whether the load would leave the value out, or refuse its row, for its type."""
    value = value_of(row, field)
    if value is None or field.type in {FieldType.TEXT, FieldType.JSON}:
        return False
    try:
        return not _fits(value, field.type)
    except (ValueError, OverflowError, TypeError):
        return True


def _fits(value: Any, kind: FieldType) -> bool:
    if kind is FieldType.BOOLEAN:
        return str(value).lower() in {"true", "false", "t", "f", "1", "0"}
    if kind is FieldType.TIMESTAMP:
        return instant_of(value) is not None
    if kind is FieldType.DATE:
        return date.fromisoformat(str(value)[:10]) is not None
    number = float(value)
    if kind is FieldType.INTEGER:
        return number == int(number)
    return abs(number) < 1e34 or kind is FieldType.NUMBER
