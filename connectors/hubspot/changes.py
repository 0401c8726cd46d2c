"""Ids of the records of an object type that changed inside fixed bounds of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from connectors.errors import SourceFailure
from connectors.hubspot.answers import FoundIds
from connectors.hubspot.listing import CHUNK_RECORDS
from connectors.hubspot.object_api import ObjectApi
from connectors.hubspot.records import Record


@dataclass(frozen=True)
class Chunk:
    """About a thousand records, or their ids, and where the phase goes on; `after` None: it is over."""

    after: str | None
    records: list[Record] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)


def changed(
    api: ObjectApi, since: datetime, until: datetime, last_id: str, first: FoundIds | None = None
) -> Iterator[Chunk]:
    """Windowed by id: no result is ever beyond the first page of a search. first: the first answer, if it is known."""
    ids: list[str] = []
    is_over = False
    while not is_over:
        answer = first or api.search_changed(since, until, last_id)
        first = None
        found = [str(record.id) for record in answer.results]
        _check_order(api.wanted.stream, [last_id, *found])
        ids += found
        is_over = answer.total <= len(found) or not found
        last_id = found[-1] if found else last_id
        if ids and (is_over or len(ids) >= CHUNK_RECORDS):
            yield Chunk(None if is_over else last_id, ids=ids)
            ids = []


def _check_order(stream: str, ids: Sequence[str]) -> None:
    """Windows by id rest on this; going on without it would lose records or never end."""
    if any(int(one) >= int(other) for one, other in pairwise(ids)):
        raise SourceFailure(
            "HubSpot's search did not answer in the order of ids.", where=stream, next_step="report this"
        )
