"""Reading records that change: what changed in the window, then archived deals, then, now and then, every id.

With the ids of deals their products come again: one that is added or taken away need not move its deal's time of
change.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import msgspec

from connectors.contract import Checkpoint, Page, PageFormat, PageKind, StreamSchema, Window
from connectors.errors import SourceFailure
from connectors.pipedrive.client import Listed, ObjectAbsent, PipedriveClient
from connectors.pipedrive.schemas import FLOW, PRODUCTS

log = logging.getLogger(__name__)

LIST, ARCHIVED, KEYS, CONTENTS, DONE = "list", "archived", "keys", "contents", "done"
EVERY_STATUS = "open,won,lost,deleted"
DEALS_A_REQUEST = 100
KEYS_A_PAGE = 50_000


class Head(msgspec.Struct):
    """What of a record is looked at."""

    id: int | str
    add_time: str | None = None
    update_time: str | None = None


class RecordReader:
    """One read of deals, persons, organizations, activities or products. on_refused: told of a child stream, raises."""

    def __init__(
        self,
        client: PipedriveClient,
        pool: ThreadPoolExecutor,
        schema: StreamSchema,
        window: Window,
        reconcile_days: int,
        on_refused: Callable[[str, SourceFailure], None],
    ) -> None:
        self._client, self._pool, self._schema, self._window = client, pool, schema, window
        self._stream, self._doing = schema.stream, f"reading {schema.stream}"
        self._path = f"/api/v2/{schema.stream}"
        self._children = {child.stream for child in schema.children}
        self._is_due, self._on_refused = is_due(window, reconcile_days), on_refused

    def pages(self, checkpoint: Checkpoint | None) -> Iterator[Page]:
        """All pages from the checkpoint on."""
        phase, cursor = (checkpoint["phase"], checkpoint["cursor"]) if checkpoint else (LIST, None)
        while phase != DONE:
            following = self._next(phase)
            if phase == KEYS:
                yield from self._keys()
                yield self._progress({"phase": following, "cursor": None})
            elif phase == CONTENTS:
                yield from self._contents(cursor)
            else:
                for rows, after in self._listed(phase, cursor):
                    place = {"phase": phase if after else following, "cursor": after}
                    yield from self._pages_of(rows, place)
            phase, cursor = following, None

    def _next(self, phase: str) -> str:
        if phase == LIST and self._stream == "deals":
            return ARCHIVED
        if phase == KEYS and PRODUCTS in self._children:
            return CONTENTS
        return KEYS if self._is_due and phase in {LIST, ARCHIVED} else DONE

    def _listed(self, phase: str, cursor: str | None) -> Iterator[Listed]:
        """Pages in the order of ids: bounded by the window, so that nothing moves between them."""
        asked: dict[str, Any] = {"updated_since": _text(self._window.since), "updated_until": _text(self._window.until)}
        if phase == ARCHIVED:
            try:
                yield from self._client.pages_v2(f"{self._path}/archived", self._doing, cursor, **asked)
            except ObjectAbsent:
                yield [], None
            return
        if self._stream == "deals":
            asked["status"] = EVERY_STATUS
        yield from self._client.pages_v2(self._path, self._doing, cursor, **asked)

    def _pages_of(self, rows: Sequence[bytes], place: Checkpoint) -> Iterator[Page]:
        if rows:
            yield _lines_page(self._stream, rows)
            heads = msgspec.json.decode(b"[" + b",".join(rows) + b"]", type=list[Head]) if self._children else []
            if FLOW in self._children:
                changed = [head.id for head in heads if head.update_time != head.add_time]
                yield self._children_page(FLOW, self._flow, changed)
            if PRODUCTS in self._children:
                yield self._products_page([str(head.id) for head in heads])
        yield self._progress(place)

    def _products_page(self, ids: Sequence[str]) -> Page:
        chunks = [ids[n : n + DEALS_A_REQUEST] for n in range(0, len(ids), DEALS_A_REQUEST)]
        return self._children_page(PRODUCTS, self._products, chunks)

    def _children_page(self, child: str, work: Callable[[Any], list[bytes]], items: Sequence[Any]) -> Page:
        """What belongs to the deals of a page, asked for side by side."""
        rows: list[bytes] = []
        try:
            for found in self._pool.map(work, items):
                rows += found
        except SourceFailure as refusal:
            if not refusal.is_refusal:
                raise
            self._on_refused(child, refusal)
        return _lines_page(child, rows)

    def _flow(self, deal_id: int | str) -> list[bytes]:
        """Every logged change of a deal; none when it is gone by now."""
        try:
            pages = self._client.pages_v1(
                f"/v1/deals/{deal_id}/flow", "reading deals_flow", items="dealChange", all_changes=1
            )
            return [row for page in pages for row in page]
        except ObjectAbsent:
            return []

    def _products(self, deal_ids: Sequence[str]) -> list[bytes]:
        listed = self._client.pages_v2("/api/v2/deals/products", "reading deals_products", deal_ids=",".join(deal_ids))
        return [row for rows, _ in listed for row in rows]

    def _contents(self, cursor: str | None) -> Iterator[Page]:
        """Products of every deal there is, archived ones last."""
        is_archived, _, after = (cursor or "").rpartition(" ")
        for path, asked in self._lists()[bool(is_archived) :]:
            mark = "archived " if path.endswith("/archived") else ""
            try:
                for rows, following in self._client.pages_v2(path, "listing ids of deals", after or None, **asked):
                    ids = [str(msgspec.json.decode(row, type=Head).id) for row in rows]
                    yield self._products_page(ids)
                    yield Page.of_rows(PRODUCTS, [{"deal_id": i} for i in ids], kind=PageKind.PARENTS)
                    next_list = None if mark else "archived "
                    place = f"{mark}{following}" if following else next_list
                    yield self._progress({"phase": CONTENTS if place else DONE, "cursor": place})
            except ObjectAbsent:
                log.info("event=no_such_list source_path=%s", path)
                yield self._progress({"phase": DONE, "cursor": None})
            after = ""

    def _lists(self) -> list[tuple[str, dict[str, str]]]:
        """Where every record of the stream is listed, and how."""
        if self._stream != "deals":
            return [(self._path, {})]
        return [(self._path, {"status": EVERY_STATUS}), (f"{self._path}/archived", {})]

    def _progress(self, place: Checkpoint) -> Page:
        return Page(self._stream, PageFormat.JSONL, checkpoint=place)

    def _keys(self) -> Iterator[Page]:
        """Every id that exists; it counts only whole, so it is always started anew."""
        ids: list[str] = []
        for path, asked in self._lists():
            try:
                for rows, _ in self._client.pages_v2(path, f"listing ids of {self._stream}", **asked):
                    ids += [str(msgspec.json.decode(row, type=Head).id) for row in rows]
            except ObjectAbsent:
                log.info("event=no_such_list source_path=%s", path)
        for start in range(0, max(len(ids), 1), KEYS_A_PAGE):
            yield Page.of_rows(self._stream, [{"id": i} for i in ids[start : start + KEYS_A_PAGE]], kind=PageKind.KEYS)


def is_due(window: Window, every_days: int) -> bool:
    """Whether the window reaches over the end of a period: each end lies in some window, so none is missed."""
    if window.since is None or not every_days:
        return False
    period_seconds = every_days * 86_400
    return window.since.timestamp() // period_seconds != window.until.timestamp() // period_seconds


def _lines_page(stream: str, rows: Sequence[bytes]) -> Page:
    return Page(stream, PageFormat.JSONL, (b"\n".join(rows) + b"\n",) if rows else (), len(rows))


def _text(at: datetime | None) -> str | None:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None
