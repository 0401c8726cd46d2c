"""Writing one run of a stream and its children: parts, one journal for all of them, manifests at the end."""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

from connectors.contract import Checkpoint, Page, PageKind, StreamSchema, Window
from connectors.errors import LandingFailure
from connectors.landing_files import disk_errors, sync_folder, write_json
from connectors.landing_journal import JOURNAL_NAME, Grown, Journal
from connectors.landing_manifest import MANIFEST_NAME, Manifest, Part
from connectors.landing_part import write_part

log = logging.getLogger(__name__)

PARALLEL = max(2, min(4, os.cpu_count() or 2))
"""Bodies at a time: packing them is work, and more threads than cores stand in each other's way."""

Landed = tuple[Page, "Future[Part | None]"]


class StreamWriter:
    """Lands the pages of one run; made by `LandingZone.begin`.

    window, checkpoint: what to hand to `Connector.read`. run_id: of the attempt that began the run. late_fields: those
    that the stream gained after its first rows.
    """

    def __init__(
        self,
        journal: Journal,
        schema: StreamSchema,
        source_id: str,
        folders: Mapping[str, Path],
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._journal, self._source_id = journal, source_id
        self._schema, self.late_fields = journal.grown or (schema, ())
        self._schema = replace(self._schema, children=schema.children)
        self._folders, self._pause = folders, pause
        self._next_number: dict[str, int] = {}
        self._pending: list[tuple[str, Part]] = []
        self._grown: Grown | None = None
        self._stop = Event()

    @property
    def schema(self) -> StreamSchema:
        """What is landed; with the fields that were met while it was read."""
        return self._schema

    @property
    def window(self) -> Window:
        """The window of this run."""
        return self._journal.window

    @property
    def checkpoint(self) -> Checkpoint | None:
        """Where reading goes on; None: from the start."""
        return self._journal.checkpoint

    @property
    def run_id(self) -> str:
        """The id this run was begun with."""
        return self._journal.run_id

    @property
    def is_resumed(self) -> bool:
        """Whether an earlier attempt landed something."""
        return self._journal.checkpoint is not None

    @property
    def rows(self) -> int:
        """Rows recorded so far, children included."""
        return sum(part.rows for parts in self._journal.parts.values() for part in parts)

    def clean(self) -> None:
        """Remove what a killed or failed attempt left and the journal does not name."""
        self._pending.clear()
        for stream, folder in self._folders.items():
            known = {part.file for part in self._journal.parts.get(stream, ())}
            self._next_number[stream] = 1 + max(map(_number, known), default=-1)
            with disk_errors(folder):
                folder.mkdir(parents=True, exist_ok=True)
                sync_folder(folder.parent)
                for path in folder.iterdir():
                    if path.name not in known and path.name != JOURNAL_NAME:
                        path.unlink()

    def write(self, page: Page) -> None:
        """Land one page and record it; on failure nothing of it is left."""
        self.write_all([page], parallel=1)

    def write_all(self, pages: Iterable[Page], parallel: int = PARALLEL) -> None:
        """Land pages from an iterator, up to `parallel` bodies at a time; they are recorded in their order.

        A failure, of a body or of the iterator, leaves recorded what was whole before it; the rest is
        removed.
        """
        self._stop.clear()
        flying: deque[Landed] = deque()
        with ThreadPoolExecutor(parallel, thread_name_prefix="landing") as pool:
            try:
                for page in self._recording_before_failure(pages, flying):
                    flying.append((page, pool.submit(self._land, page, self._path(page))))
                    if len(flying) >= parallel:
                        self._record_oldest(flying)
                while flying:
                    self._record_oldest(flying)
            except BaseException:
                self._stop.set()
                pool.shutdown(wait=True, cancel_futures=True)
                with suppress(LandingFailure):
                    self.clean()
                raise

    def commit(self, count: int | None = None, api_calls: int = 0, lacking: tuple[str, ...] = ()) -> list[Manifest]:
        """Finish the run: manifests of the children, then the stream's own.

        count: records the source says it holds. api_calls: requests this run took. lacking: as in the manifest.
        """
        finished_at = datetime.now(UTC)
        manifests = [self._manifest(child, finished_at) for child in self._schema.children]
        own = self._manifest(self._schema, finished_at)
        manifests.append(replace(own, source_count=count, api_calls=api_calls, lacking=lacking))
        for manifest in manifests:
            write_json(self._folders[manifest.stream] / MANIFEST_NAME, manifest.to_json())
        with disk_errors(self._journal.path):
            self._journal.path.unlink(missing_ok=True)
            sync_folder(self._journal.path.parent)
        log.info(
            "run_landed source_id=%s stream=%s run_id=%s rows=%d parts=%d",
            self._source_id,
            self._schema.stream,
            self.run_id,
            manifests[-1].rows,
            len(manifests[-1].parts),
        )
        return manifests

    def _recording_before_failure(self, pages: Iterable[Page], flying: deque[Landed]) -> Iterator[Page]:
        """The pages; when their iterator fails, those under way are recorded before the failure goes on."""
        try:
            yield from pages
        except Exception:
            while flying:
                self._record_oldest(flying)
            raise

    def _land(self, page: Page, path: Path) -> Part | None:
        if not page.body:
            return None
        return write_part(page, path, is_stopped=self._stop.is_set, pause=self._wait)

    def _wait(self, seconds: float) -> None:
        if not self._stop.is_set():
            self._pause(seconds)

    def _path(self, page: Page) -> Path:
        number = self._next_number[page.stream]
        if page.body:
            self._next_number[page.stream] = number + 1
        return self._folders[page.stream] / f"part-{number:05d}.{page.format}.zst"

    def _record_oldest(self, flying: deque[Landed]) -> None:
        """Wait for the oldest page; its part counts from the next checkpoint on."""
        page, future = flying.popleft()
        part = future.result()
        if page.schema is not None:
            self._grow(page.schema)
        if part is not None:
            self._pending.append((page.stream, part))
        if page.checkpoint:
            self._journal.record(self._pending, page.checkpoint, self._grown)
            self._pending.clear()
            self._grown = None

    def _grow(self, schema: StreamSchema) -> None:
        """From now on the rows may have more fields."""
        known = {field.name for field in self._schema.fields}
        if self._pending or self.rows:
            self.late_fields += tuple(field.name for field in schema.fields if field.name not in known)
        self._schema = replace(schema, children=self._schema.children)
        self._grown = self._schema, self.late_fields

    def _manifest(self, schema: StreamSchema, finished_at: datetime) -> Manifest:
        unrecorded = (part for stream, part in self._pending if stream == schema.stream)
        parts = (*self._journal.parts.get(schema.stream, ()), *unrecorded)
        return Manifest(
            source_id=self._source_id,
            system=schema.system,
            stream=schema.stream,
            table=schema.table,
            run_id=self.run_id,
            window=self.window,
            schema=schema,
            parts=parts,
            rows=sum(part.rows for part in parts if part.kind is PageKind.UPSERT),
            source_count=None,
            api_calls=0,
            started_at=self._journal.started_at,
            finished_at=finished_at,
            bookmark=self._journal.checkpoint if schema.keeps_bookmark or schema.remembers else None,
        )


def _number(file: str) -> int:
    return int(file.removeprefix("part-").split(".", maxsplit=1)[0])
