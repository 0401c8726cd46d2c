"""Reading one object type: the phases of a run, each resumable after any page.

Backfill: `list` (everything), `archived`. Increment: `changed` (search for ids, then batch read), `archived`.
With `reconcile`, `keys` follows: every id that exists. The plan with the fewest calls is chosen; an increment
that touched nearly everything (a pipeline edit) is read like a backfill.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import TypeVar

from connectors.contract import Checkpoint, Page, PageFormat, PageKind, Window
from connectors.errors import SourceFailure
from connectors.hubspot.answers import FoundIds
from connectors.hubspot.failures import ObjectAbsent, ScopeMissing
from connectors.hubspot.listing import CHUNK_RECORDS, Listing
from connectors.hubspot.object_api import LIST_LIMIT, SEARCH_LIMIT, ObjectApi
from connectors.hubspot.records import (
    Record,
    association_rows,
    history_rows,
    instant,
    keys_page,
    lines_page,
    merged_away,
    rows_page,
)
from connectors.hubspot.schemas import ASSOCIATIONS, HISTORY

log = logging.getLogger(__name__)

KEYS_A_PAGE = 50_000
ARCHIVED_OVERLAP = timedelta(days=1)
MANY_CHANGES = 5_000
LIST, CHANGED, ARCHIVED, KEYS, DONE = "list", "changed", "archived", "keys", "done"
KEYS_ONLY: Checkpoint = {"phase": KEYS, "after": None}
"""Give this checkpoint to `read` to have only the ids named (when a count differs)."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class Chunk:
    """About a thousand records, or their ids, and where the phase goes on; `after` None: it is over."""

    after: str | None
    records: list[Record] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)


class ObjectReader:
    """One read of one object type. on_pair_refused: told of links that may not be read."""

    def __init__(
        self,
        api: ObjectApi,
        pool: ThreadPoolExecutor,
        window: Window,
        *,
        reconcile: bool,
        on_pair_refused: Callable[[str, ObjectAbsent | ScopeMissing], None],
    ) -> None:
        self._api, self._pool, self._window, self._reconcile = api, pool, window, reconcile
        self._on_pair_refused = on_pair_refused
        self._pairs = dict(api.wanted.pairs or {})
        self._first_found: FoundIds | None = None

    def pages(self, checkpoint: Checkpoint | None) -> Iterator[Page]:
        """All pages from the checkpoint on."""
        phase = str(checkpoint["phase"]) if checkpoint else self._first_phase()
        after = checkpoint.get("after") if checkpoint else None
        log.info("event=read stream=%s phase=%s resumed=%s", self._api.wanted.stream, phase, checkpoint is not None)
        while phase != DONE:
            following = self._next_phase(phase)
            if phase == KEYS:
                yield from self._keys()
            else:
                for chunk in self._ahead(self._chunks(phase, after)):
                    place = {"phase": phase if chunk.after else following, "after": chunk.after}
                    yield from self._pages_of(chunk, place, is_archived=phase == ARCHIVED)
            phase, after = following, None

    def _next_phase(self, phase: str) -> str:
        if phase in {LIST, CHANGED}:
            return ARCHIVED
        return KEYS if phase == ARCHIVED and self._reconcile else DONE

    def _first_phase(self) -> str:
        """How to learn what there is with the fewest calls."""
        since = self._window.since
        if since is None or not self._api.wanted.has_changes:
            return LIST
        try:
            self._first_found = self._api.search_changed(since, self._window.until, "0")
        except ObjectAbsent:
            return LIST
        changed = self._first_found.total
        if changed < MANY_CHANGES:
            return CHANGED
        limit = self._api.wanted.page_limit
        by_list = self._api.total() * (1 / limit + (0 if self._api.wanted.fits_url else 1 / LIST_LIMIT))
        return LIST if by_list < changed * (1 / limit + 1 / SEARCH_LIMIT) else CHANGED

    def _chunks(self, phase: str, after: str | None) -> Iterator[Chunk]:
        if phase == CHANGED:
            return self._changed(after or "0")
        return self._listed(after, is_archived=phase == ARCHIVED)

    def _listed(self, after: str | None, *, is_archived: bool) -> Iterator[Chunk]:
        ids_only = not self._api.wanted.fits_url
        listing = Listing(self._api, self._pool, is_archived=is_archived, ids_only=ids_only)
        for listed, cursor in listing.chunks(after):
            records = [r for r in listed if self._is_swept(r)] if is_archived else listed
            yield Chunk(cursor, ids=[r.id for r in records]) if ids_only else Chunk(cursor, records)

    def _is_swept(self, record: Record) -> bool:
        """Whether an archived record was archived, or changed after that, since the window began."""
        since, head = self._window.since, record.head
        if since is None or head.archived_at is None or head.updated_at is None:
            return True
        return instant(head.archived_at) >= since - ARCHIVED_OVERLAP or instant(head.updated_at) >= since

    def _changed(self, last_id: str) -> Iterator[Chunk]:
        """Ids of changed records, windowed by id: no result is ever beyond the first page of a search."""
        since = self._window.since
        assert since is not None
        ids: list[str] = []
        is_over = False
        while not is_over:
            answer = self._first_found or self._api.search_changed(since, self._window.until, last_id)
            self._first_found = None
            found = [str(record.id) for record in answer.results]
            _check_order(self._api.wanted.stream, [last_id, *found])
            ids += found
            is_over = answer.total <= len(found) or not found
            last_id = found[-1] if found else last_id
            if ids and (is_over or len(ids) >= CHUNK_RECORDS):
                yield Chunk(None if is_over else last_id, ids=ids)
                ids = []

    def _pages_of(self, chunk: Chunk, place: Checkpoint, *, is_archived: bool) -> Iterator[Page]:
        stream = self._api.wanted.stream
        records = chunk.records or self._api.records(chunk.ids, archived=is_archived)
        if records:
            yield lines_page(stream, [record.line for record in records])
        if losers := merged_away(records):
            yield keys_page(stream, losers, PageKind.DELETE)
        if records and self._api.wanted.history:
            yield rows_page(f"{stream}_{HISTORY}", history_rows(records))
        if records and self._pairs and not is_archived:
            yield rows_page(f"{stream}_{ASSOCIATIONS}", self._links([record.id for record in records]))
        yield Page(stream, PageFormat.JSONL, checkpoint=place)

    def _links(self, ids: Sequence[str]) -> Iterator[dict[str, object]]:
        """Links of a chunk to all its paired object types; side by side, in a fixed order."""
        futures = {
            name: self._pool.submit(self._api.associations, to_type, ids) for name, to_type in self._pairs.items()
        }
        for name, future in futures.items():
            try:
                yield from association_rows(name, future.result())
            except (ObjectAbsent, ScopeMissing) as refusal:
                self._on_pair_refused(name, refusal)
                del self._pairs[name]

    def _keys(self) -> Iterator[Page]:
        """Every id that exists; it counts only whole, so it is always started anew."""
        stream = self._api.wanted.stream
        after: str | None = None
        ids: list[str | None] = [None]  # so that "none exists" is said too
        while True:
            answer = self._api.list_page(after, archived=False, ids_only=True)
            after = answer.after
            ids += (Record.of(raw).id for raw in answer.results)
            if not after:
                yield keys_page(stream, ids, PageKind.KEYS, {"phase": DONE, "after": None})
                return
            if len(ids) >= KEYS_A_PAGE:
                yield keys_page(stream, ids, PageKind.KEYS)
                ids = []

    def _ahead(self, items: Iterable[Item]) -> Iterator[Item]:
        """The same items; the next is being fetched while one is worked on."""
        iterator = iter(items)
        future = self._pool.submit(next, iterator, None)
        while (item := future.result()) is not None:
            future = self._pool.submit(next, iterator, None)
            yield item


def _check_order(stream: str, ids: Sequence[str]) -> None:
    """Windows by id rest on this; going on without it would lose records or never end."""
    if any(int(one) >= int(other) for one, other in pairwise(ids)):
        raise SourceFailure(
            "HubSpot's search did not answer in the order of ids.", where=stream, next_step="report this"
        )
