"""One page to one compressed file: streamed, counted, made durable, or not there at all."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import accumulate
from pathlib import Path

import zstandard

from connectors.contract import Page, PageFormat, PageKind
from connectors.errors import ExpectedFailure, TransientSourceFailure
from connectors.http import Backoff
from connectors.landing_files import disk_errors, sync_folder
from connectors.landing_manifest import Part

ATTEMPTS = 4
_NUL_ESCAPE = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
_NOT_QUOTE_OR_NEWLINE = bytes(set(range(256)) - set(b'"\n'))

log = logging.getLogger(__name__)


class RowCounter:
    """Counts records in chunks of CSV or JSON lines without parsing them.

    A newline inside quotes ends no record. Everything but quotes and newlines is thrown away; a newline is quoted
    when an odd number of quotes comes before it.
    """

    def __init__(self, page_format: PageFormat) -> None:
        self._is_csv = page_format is PageFormat.CSV
        self._is_quoted = False
        self._lines = 0
        self._is_line_open = False

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        if not chunk:
            return
        if self._is_csv:
            between = map(len, chunk.translate(None, _NOT_QUOTE_OR_NEWLINE).split(b"\n"))
            *at_newlines, at_end = accumulate(between, initial=int(self._is_quoted))
            self._lines += sum(not quotes & 1 for quotes in at_newlines[1:])
            self._is_quoted = bool(at_end & 1)
        else:
            self._lines += chunk.count(b"\n")
        self._is_line_open = self._is_quoted or not chunk.endswith(b"\n")

    @property
    def is_cut(self) -> bool:
        """Whether the bytes so far end inside a quoted field."""
        return self._is_quoted

    @property
    def rows(self) -> int:
        """Records so far; the header of a CSV is none."""
        lines = self._lines + self._is_line_open
        return max(lines - 1, 0) if self._is_csv else lines


class NulRemover:
    r"""Takes out NUL characters, which no text column can be trusted with: bytes, and `\u0000` in JSON strings.

    removed: how many so far. JSON comes back line by line, so that no escape is cut in two.
    """

    def __init__(self, page_format: PageFormat) -> None:
        self._is_json = page_format is PageFormat.JSONL
        self._held = b""
        self.removed = 0

    def feed(self, chunk: bytes) -> bytes:
        """The bytes that are ready."""
        if b"\0" in chunk:
            self.removed += chunk.count(b"\0")
            chunk = chunk.replace(b"\0", b"")
        if not self._is_json:
            return chunk
        whole, newline, self._held = (self._held + chunk).rpartition(b"\n")
        return self._without_escapes(whole + newline)

    def rest(self) -> bytes:
        """What is left once all is fed."""
        return self._without_escapes(self._held)

    def _without_escapes(self, lines: bytes) -> bytes:
        if b"\\u0000" not in lines:
            return lines
        lines, found = _NUL_ESCAPE.subn(rb"\1", lines)
        self.removed += found
        return lines


class _Stopped(Exception):
    """Another page failed; this one is not wanted any more."""


def write_part(
    page: Page, path: Path, *, is_stopped: Callable[[], bool], pause: Callable[[float], None] = time.sleep
) -> Part | None:
    """Land a page as `path`; None when it holds no rows (a page of keys is kept even then).

    A body that breaks off, or holds another number of rows than the page says, is read again a few times.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _write_once(page, path, is_stopped)
        except TransientSourceFailure as failure:
            if attempt == ATTEMPTS:
                raise
            delay_seconds = Backoff().delay(attempt)
            log.warning(
                "page_retry stream=%s part=%s attempt=%d delay_seconds=%.1f reason=%r",
                page.stream,
                path.name,
                attempt,
                delay_seconds,
                failure.what,
            )
            pause(delay_seconds)
    raise AssertionError("unreachable")


def _write_once(page: Page, path: Path, is_stopped: Callable[[], bool]) -> Part | None:
    temporary = path.with_name(f".{path.name}.tmp")
    counter, digest, nuls = RowCounter(page.format), hashlib.sha256(), NulRemover(page.format)
    try:
        with disk_errors(path):
            opened = temporary.open("wb")
        with opened:
            packer = zstandard.ZstdCompressor(level=1, write_checksum=True).compressobj()
            for chunk in _without_nuls(_chunks(page), nuls):
                if is_stopped():
                    raise _Stopped
                counter.feed(chunk)
                packed = packer.compress(chunk)
                digest.update(packed)
                with disk_errors(path):
                    opened.write(packed)
            packed = packer.flush()
            digest.update(packed)
            _refuse_cut_body(page, path, counter)
            if not counter.rows and page.kind is not PageKind.KEYS:
                temporary.unlink()
                return None
            with disk_errors(path):
                opened.write(packed)
                opened.flush()
                os.fsync(opened.fileno())
                size_bytes = opened.tell()
        with disk_errors(path):
            temporary.replace(path)
            sync_folder(path.parent)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    if nuls.removed:
        log.warning("nul_bytes_removed stream=%s part=%s bytes=%d", page.stream, path.name, nuls.removed)
    return Part(path.name, page.format, page.kind, counter.rows, size_bytes, digest.hexdigest(), nuls.removed)


def _without_nuls(chunks: Iterator[bytes], nuls: NulRemover) -> Iterator[bytes]:
    for chunk in chunks:
        yield nuls.feed(bytes(chunk))
    yield nuls.rest()


def _chunks(page: Page) -> Iterator[bytes]:
    """The body, with a broken connection as a failure worth a retry (requests' errors are OSErrors)."""
    try:
        yield from page.body
    except ExpectedFailure:
        raise
    except OSError as error:
        raise TransientSourceFailure(
            "The connection broke while a page was read.", where=page.stream, why=type(error).__name__
        ) from error


def _refuse_cut_body(page: Page, path: Path, counter: RowCounter) -> None:
    promised = page.promised_rows
    if counter.is_cut or (promised is not None and promised != counter.rows):
        said = "which end inside a record" if promised is None else f"the source said {promised}"
        raise TransientSourceFailure(
            f"A page arrived incomplete: {counter.rows} rows, {said}.",
            where=f"{page.stream}, {path.name}",
            why="The connection or the source cut the page short.",
            saved="Pages landed before are kept.",
            next_step="run the same command again: it goes on where it was",
        )
