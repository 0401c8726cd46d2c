"""Listing everything of an object type: page after page, or, when there is much, pieces side by side.

HubSpot's list runs in the order of ids, and its cursor is the id to go on from. That is not documented, so it is never
trusted: pieces overlap, and the records seen beyond the end of one must be the first of the next. Where they are not
(or a record came or went meanwhile) the listing goes on page after page with HubSpot's own cursors.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from connectors.errors import SourceFailure
from connectors.hubspot.object_api import ObjectApi
from connectors.hubspot.records import Record

log = logging.getLogger(__name__)

CHUNK_RECORDS = 1000
PROBE_PAGES = 3
FEW_PAGES = 40
PIECE_PAGES = 24
PIECE_PAGES_MIN = 15
PIECES_AHEAD = 9

Listed = tuple[list[Record], str | None]
"""Records, and the cursor after them; None: that was all."""


@dataclass(frozen=True)
class Piece:
    """Records with `start <= id < end`, those seen beyond, and HubSpot's own cursor after all of them.

    Nothing beyond and yet a cursor: there are more in the range. has_strays: records before the start came, so
    cursors are not ids.
    """

    start: int
    end: int | None
    records: list[Record]
    beyond: list[Record]
    cursor: str | None
    has_strays: bool = False


class Listing:
    """One walk over the records of an object type."""

    def __init__(self, api: ObjectApi, pool: ThreadPoolExecutor, *, is_archived: bool, ids_only: bool) -> None:
        self._api, self._pool = api, pool
        self._is_archived, self._ids_only = is_archived, ids_only
        self._is_exclusive = False

    def chunks(self, after: str | None) -> Iterator[Listed]:
        """Records from a cursor on, about a thousand at a time."""
        records: list[Record] = []
        for pages, (page, cursor) in enumerate(self._paged(after), start=1):
            records += page
            if cursor is None or len(records) >= CHUNK_RECORDS:
                yield records, cursor
                records = []
            if cursor is not None and pages == PROBE_PAGES and not self._is_archived:
                width = self._piece_width(page, cursor)
                if width:
                    if records:
                        yield records, cursor
                    yield from self._in_pieces(cursor, *width)
                    return

    def _paged(self, after: str | None) -> Iterator[Listed]:
        while True:
            answer = self._api.list_page(after, archived=self._is_archived, ids_only=self._ids_only)
            after = answer.after
            yield [Record.of(raw) for raw in answer.results], after
            if after is None:
                return

    def _piece_width(self, page: list[Record], cursor: str) -> tuple[int, int] | None:
        """Ids a piece should span, and the newest id; None when pieces are not possible or not worth it."""
        if not (page and cursor.isdigit() and all(r.id.isdigit() for r in page)):
            return None
        last = int(page[-1].id)
        if int(cursor) < last:
            return None
        self._is_exclusive = int(cursor) == last
        try:
            newest = self._api.newest()
        except SourceFailure as refusal:
            if not refusal.is_refusal:
                raise
            return None
        limit = self._api.page_limit(ids_only=self._ids_only)
        pages = newest.total // limit - PROBE_PAGES
        if not newest.results or pages < FEW_PAGES:
            return None
        newest_id = int(newest.results[0].id)
        piece_pages = min(PIECE_PAGES, max(PIECE_PAGES_MIN, pages // PIECES_AHEAD))
        half_pages = 2 * piece_pages - 1  # an end in the middle of a page costs half a page
        return max(1, (newest_id - last) * half_pages // (2 * pages)), newest_id

    def _in_pieces(self, cursor: str, width: int, newest_id: int) -> Iterator[Listed]:
        """Pieces are fetched side by side and handed out in order; the last one is open-ended.

        A piece is held until the next one confirms where it ends; only then are cursors made of ids given away.
        """
        flying: deque[Future[Piece]] = deque()
        first = int(cursor) + self._is_exclusive
        start: int | None = first
        held = _nothing_yet(first, None, cursor)
        known: list[Record] = []
        try:
            while start is not None or flying:
                while start is not None and len(flying) < PIECES_AHEAD:
                    end = start + width if start + width <= newest_id else None
                    flying.append(self._pool.submit(self._fetch, start, end, self._cursor(start)))
                    start = end
                piece = flying.popleft().result()
                if not _continues(held, piece):
                    while flying:
                        flying.pop().cancel()
                    yield from self._without_pieces(known, held)
                    return
                known += held.records
                while len(known) > CHUNK_RECORDS:
                    yield known[:CHUNK_RECORDS], self._cursor(int(known[CHUNK_RECORDS].id))
                    known = known[CHUNK_RECORDS:]
                if piece.cursor is None:
                    yield [*known, *piece.records, *piece.beyond], None
                    return
                if piece.beyond:
                    held = piece
                    continue
                yield [*known, *piece.records], piece.cursor
                known = []
                held = _nothing_yet(piece.start, piece.end, piece.cursor)
                flying.appendleft(self._pool.submit(self._fetch, piece.start, piece.end, piece.cursor))
        finally:
            for future in flying:
                future.cancel()

    def _without_pieces(self, known: list[Record], held: Piece) -> Iterator[Listed]:
        log.info("event=list_without_pieces stream=%s", self._api.wanted.stream)
        records = known + held.records + held.beyond
        for page, cursor in self._paged(held.cursor):
            records = records + page
            if cursor is None or len(records) >= CHUNK_RECORDS:
                yield records, cursor
                records = []

    def _fetch(self, start: int, end: int | None, cursor: str) -> Piece:
        records: list[Record] = []
        beyond: list[Record] = []
        has_strays = False
        after: str | None = cursor
        for _ in range(2 * PIECE_PAGES):
            answer = self._api.list_page(after, archived=False, ids_only=self._ids_only)
            after = answer.after
            for record in map(Record.of, answer.results):
                if end is not None and int(record.id) >= end:
                    beyond.append(record)
                else:
                    has_strays |= int(record.id) < start
                    records.append(record)
            if beyond or after is None:
                break
        return Piece(start, end, records, beyond, after, has_strays)

    def _cursor(self, start: int) -> str:
        """The cursor of a page that begins with the first id not below `start`."""
        return str(start - self._is_exclusive)


def _nothing_yet(start: int, end: int | None, cursor: str) -> Piece:
    """What precedes a piece that begins at HubSpot's own cursor."""
    return Piece(start, end, [], [], cursor)


def _continues(before: Piece, piece: Piece) -> bool:
    """Whether a piece begins with what the one before saw beyond its end."""
    if piece.has_strays:
        return False
    seen = [r.id for r in before.beyond]
    found = [r.id for r in (*piece.records, *piece.beyond)]
    shared = min(len(seen), len(found))
    return seen[:shared] == found[:shared]
