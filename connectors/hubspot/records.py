"""Records as lines of bytes, and the child rows that lie in the same answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import msgspec

from connectors.contract import Checkpoint, Page, PageFormat, PageKind
from connectors.hubspot.answers import AssociationResult, HistoryItem, RecordHead

_encoder = msgspec.json.Encoder()
_heads = msgspec.json.Decoder(RecordHead)


@dataclass(frozen=True)
class Record:
    """A record: its bytes as received, and what the connector looked at in them."""

    line: bytes
    head: RecordHead

    @property
    def id(self) -> str:
        """The record's id."""
        return str(self.head.id)

    @classmethod
    def of(cls, raw: msgspec.Raw) -> Record:
        """From a piece of an answer."""
        line = one_line(raw)
        return cls(line, _heads.decode(line))


def one_line(raw: msgspec.Raw) -> bytes:
    """A piece of an answer on one line, whatever the answer's layout."""
    line = bytes(raw)
    return msgspec.json.format(line, indent=-1) if b"\n" in line else line


def instant(text: str | int) -> datetime:
    """A HubSpot instant: ISO-8601, or epoch milliseconds."""
    if isinstance(text, int) or text.isdigit():
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=at.tzinfo or UTC)


def lines_page(
    stream: str,
    lines: Sequence[bytes],
    checkpoint: Checkpoint | None = None,
    kind: PageKind = PageKind.UPSERT,
) -> Page:
    """A page of JSON lines."""
    body = [b"\n".join(lines) + b"\n"] if lines else ()
    return Page(stream, PageFormat.JSONL, body, len(lines), kind, checkpoint or {})


def rows_page(stream: str, rows: Iterable[dict[str, Any]], checkpoint: Checkpoint | None = None) -> Page:
    """A page of small rows made here."""
    return lines_page(stream, [_encoder.encode(row) for row in rows], checkpoint)


def keys_page(stream: str, ids: Iterable[str | None], kind: PageKind, checkpoint: Checkpoint | None = None) -> Page:
    """A page of ids."""
    return lines_page(stream, [_encoder.encode({"id": i}) for i in ids], checkpoint, kind)


def history_rows(records: Iterable[Record]) -> Iterator[dict[str, Any]]:
    """Past values of the wanted properties, oldest first; `seq` counts those of one instant.

    Counted from the first value on it would move when HubSpot forgets the oldest ones.
    """
    for record in records:
        for name, items in sorted((record.head.properties_with_history or {}).items()):
            ordered = sorted(reversed(items), key=lambda item: instant(item.timestamp))
            for _, ties in groupby(ordered, key=lambda item: instant(item.timestamp)):
                yield from (_history_row(record.id, name, seq, item) for seq, item in enumerate(ties))


def _history_row(record_id: str, name: str, seq: int, item: HistoryItem) -> dict[str, Any]:
    return {
        "record_id": record_id,
        "property": name,
        "seq": seq,
        "value": item.value,
        "at": item.timestamp,
        "source_type": item.source_type,
        "source_id": item.source_id,
        "updated_by_user_id": item.updated_by_user_id,
    }


def association_rows(to_object: str, results: Iterable[AssociationResult]) -> Iterator[dict[str, Any]]:
    """One row a label of a link."""
    for result in results:
        for target in result.to:
            for kind in target.association_types:
                yield {
                    "from_id": str(result.source.id),
                    "to_object": to_object,
                    "to_id": str(target.to_object_id),
                    "category": kind.category,
                    "type_id": kind.type_id,
                    "label": kind.label,
                }


def merged_away(records: Iterable[Record]) -> list[str]:
    """Ids of records that were merged into one of these and so exist no more."""
    gone: dict[str, None] = {}
    for record in records:
        for loser in (record.head.properties.hs_merged_object_ids or "").split(";"):
            if loser.strip() and loser.strip() != record.id:
                gone[loser.strip()] = None
    return list(gone)
