"""REST queries for small windows: pages of JSON, one record a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

import msgspec

from connectors.errors import IncompleteAnswer
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.failures import RESUME, QueryRefused

LONGEST_QUERY_BYTES = 12_000
"""An address and its headers may take 16,384 bytes; longer queries go through Bulk API 2.0, in a body."""


@dataclass(frozen=True)
class RestPage:
    """Records of one answer. next_path: where the following ones are, None after the last."""

    lines: bytes
    rows: int
    next_path: str | None


def fits(soql: str) -> bool:
    """Whether a query is short enough for an address."""
    return len(quote(soql)) <= LONGEST_QUERY_BYTES


def pages(client: SalesforceClient, soql: str, start: str | None, doing: str) -> Iterator[RestPage]:
    """The answers to a query over deleted and archived rows too, from the locator `start` on.

    A locator that has expired (after two days) starts the query anew. IncompleteAnswer when the rows do not add
    up to what the first answer promised.
    """
    path, promised, rows = start, None, 0
    while True:
        client.refuse_beyond_budget()
        try:
            response = client.get(path, doing) if path else client.get("queryAll/", doing, params={"q": soql})
        except QueryRefused:
            if path is None or path != start:
                raise
            start = path = None
            continue
        answer = msgspec.json.decode(response.content)
        if path is None:
            promised = answer["totalSize"]
        records = answer["records"]
        rows += len(records)
        path = None if answer["done"] else answer["nextRecordsUrl"]
        if path is None and promised is not None and promised != rows:
            raise IncompleteAnswer(
                f"A query gave {rows} rows of {promised}.",
                where=f"{client.settings.source_id}, {doing}",
                saved="Pages landed before are kept.",
                next_step=RESUME,
            )
        yield RestPage(as_lines(records), len(records), path)
        if path is None:
            return


def as_lines(records: list[dict[str, object]]) -> bytes:
    """Records as JSON lines, without Salesforce's envelope."""
    for record in records:
        record.pop("attributes", None)
    return b"".join(msgspec.json.encode(record) + b"\n" for record in records)
