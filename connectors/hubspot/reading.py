"""Reading one object type: the phases of a run, each resumable after any page.

Backfill: `list` (everything), `archived`. Increment: `changed` (search for ids, then batch read), `archived`, `links`
(of records that did not change). With `reconcile`, `keys` follows: every id that exists. The plan with the fewest calls
is chosen; an increment that touched nearly everything (a pipeline edit) is read like a backfill.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, TypeVar

from connectors.contract import Checkpoint, Page, PageFormat, PageKind, Window
from connectors.errors import SchemaChanged, SourceFailure
from connectors.hubspot.answers import FoundIds
from connectors.hubspot.changes import Chunk, changed
from connectors.hubspot.links import NEWER, LinkRefresh, Links
from connectors.hubspot.listing import Listing
from connectors.hubspot.object_api import LIST_LIMIT, SEARCH_LIMIT, ObjectApi
from connectors.hubspot.records import Record, history_rows, instant, keys_page, lines_page, merged_away, rows_page
from connectors.hubspot.schemas import HISTORY

log = logging.getLogger(__name__)

KEYS_A_PAGE = 50_000
ARCHIVED_OVERLAP = timedelta(days=1)
MANY_CHANGES = 5_000
LIST, CHANGED, ARCHIVED, LINKS, KEYS, DONE = "list", "changed", "archived", "links", "keys", "done"
KEYS_ONLY: Checkpoint = {"phase": KEYS, "after": None}
"""Give this checkpoint to `read` to have only the ids named (when a count differs)."""

Item = TypeVar("Item")


class ObjectReader:
    """One read of one object type.

    reconcile: name every id in the end. refresh_days: in how many days all links are read again, 0: never. on_pair:
    told of links that may not be read. on_step: told, by the rule of its finding, of a step that was refused and left
    out.
    """

    def __init__(
        self,
        api: ObjectApi,
        pool: ThreadPoolExecutor,
        window: Window,
        *,
        reconcile: bool,
        refresh_days: int,
        on_pair: Callable[[str, SourceFailure], None],
        on_step: Callable[[str, SourceFailure], None],
    ) -> None:
        self._api, self._pool, self._window, self._reconcile = api, pool, window, reconcile
        self._refresh_days, self._on_step = refresh_days, on_step
        self._links = Links(api, pool, on_pair)
        self._first_found: FoundIds | None = None
        self._round = (window.bookmark or {}).get("round")
        self._began = CHANGED

    def pages(self, checkpoint: Checkpoint | None) -> Iterator[Page]:
        """All pages from the checkpoint on."""
        position: Checkpoint = checkpoint or {"phase": self._first_phase()}
        phase = self._began = str(position["phase"])
        self._began, self._round = position.get("began", phase), position.get("round", self._round)
        log.info("event=read stream=%s phase=%s resumed=%s", self._api.wanted.stream, phase, checkpoint is not None)
        while phase != DONE:
            following = self._next_phase(phase)
            if phase == KEYS:
                yield from self._keys()
            elif phase == LINKS:
                following = yield from self._links_again(position)
            elif phase == ARCHIVED:
                yield from self._archived(position.get("after"), following)
            else:
                yield from self._live(phase, position.get("after"), following)
            phase, position = following, {}

    def _next_phase(self, phase: str) -> str:
        if phase in {LIST, CHANGED}:
            return ARCHIVED
        if phase == ARCHIVED and self._began == CHANGED and self._links and self._refresh_days:
            return LINKS
        return KEYS if phase in {ARCHIVED, LINKS} and self._reconcile else DONE

    def _live(self, phase: str, after: str | None, following: str) -> Iterator[Page]:
        """Records that are there: all of them, or those that changed."""
        if phase == LIST:
            chunks = self._listed(after, is_archived=False)
        else:
            assert self._window.since is not None
            chunks = changed(self._api, self._window.since, self._window.until, after or "0", self._first_found)
        is_over = False
        for chunk in self._ahead(chunks):
            is_over = chunk.after is None
            yield from self._pages_of(chunk, is_archived=False)
            yield self._progress(following if is_over else phase, after=chunk.after)
        if not is_over:
            yield self._progress(following)

    def _archived(self, after: str | None, following: str) -> Iterator[Page]:
        """Records that were archived; of some object types HubSpot lists none."""
        try:
            for chunk in self._ahead(self._listed(after, is_archived=True)):
                yield from self._pages_of(chunk, is_archived=True)
                yield self._progress(ARCHIVED if chunk.after else following, after=chunk.after)
        except SourceFailure as refusal:
            self._pass_over("archived_not_listed", refusal)
            yield self._progress(following)

    def _links_again(self, position: Checkpoint) -> Generator[Page, None, str]:
        """Links of records that were not read; gives the next phase. Where all ids were listed, they are named too."""
        stream, following = self._api.wanted.stream, self._next_phase(LINKS)
        refresh = LinkRefresh(self._api, self._pool, self._links, self._window, self._refresh_days)
        try:
            plan = refresh.plan()
            named: list[str | None] = []
            is_from_start = plan.is_whole and "step" not in position
            for chunk, after in self._ahead(refresh.chunks(plan, {**position, "round": self._round})):
                named += chunk.ids
                yield self._links.page(chunk.ids)
                yield self._links.parents_page(chunk.ids)
                if not plan.is_whole and after["step"] != NEWER:
                    self._round = after["after"]
                if after["step"] is None and is_from_start and len(named) >= plan.quota:
                    yield keys_page(stream, [None, *named], PageKind.KEYS)
                    following = DONE
                yield self._progress(LINKS, **after) if after["step"] else self._progress(following)
        except SourceFailure as refusal:
            self._pass_over("links_not_read_again", refusal)
            self._round = None
            yield self._progress(following)
        return following

    def _pass_over(self, rule_id: str, refusal: SourceFailure) -> None:
        """Go on without a step that was refused; what stops the source or changes the schema is no such step."""
        if not refusal.is_refusal or isinstance(refusal, SchemaChanged):
            raise refusal
        self._on_step(rule_id, refusal)

    def _progress(self, phase: str, **more: Any) -> Page:
        place = {"phase": phase, "after": None, **more, "began": self._began, "round": self._round}
        return Page(self._api.wanted.stream, PageFormat.JSONL, checkpoint=place)

    def _first_phase(self) -> str:
        """How to learn what there is with the fewest calls."""
        since = self._window.since
        if since is None or not self._api.wanted.has_changes:
            return LIST
        try:
            self._first_found = self._api.search_changed(since, self._window.until, "0")
        except SourceFailure as refusal:
            if not refusal.is_refusal:
                raise
            return LIST  # there is no search of this object, or not by time
        found = self._first_found.total
        if found < MANY_CHANGES:
            return CHANGED
        limit = self._api.wanted.page_limit
        by_list = self._api.total() * (1 / limit + (0 if self._api.wanted.fits_url else 1 / LIST_LIMIT))
        return LIST if by_list < found * (1 / limit + 1 / SEARCH_LIMIT) else CHANGED

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

    def _pages_of(self, chunk: Chunk, *, is_archived: bool) -> Iterator[Page]:
        stream = self._api.wanted.stream
        records = chunk.records or self._api.records(chunk.ids, archived=is_archived)
        if records:
            yield lines_page(stream, [record.line for record in records])
        if losers := merged_away(records):
            yield keys_page(stream, losers, PageKind.DELETE)
        if records and self._api.wanted.history:
            yield rows_page(f"{stream}_{HISTORY}", history_rows(records))
        if records and self._links and not is_archived:
            yield self._links.page([record.id for record in records])

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
                yield keys_page(stream, ids, PageKind.KEYS)
                yield self._progress(DONE)
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
