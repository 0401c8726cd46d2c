"""From a tap's messages to pages: records as they are, its state as the checkpoint."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import msgspec

from connectors.contract import Checkpoint, Page, PageFormat, PageKind, StreamSchema
from connectors.errors import ExpectedFailure, SourceFailure
from connectors.singer.catalog import DELETED_AT, GONE, KEY

PAGE_ROWS = 5_000
PAGE_BYTES = 8 << 20

log = logging.getLogger(__name__)


class Message(msgspec.Struct):
    """One line of a tap; which fields there are depends on the type."""

    type: str
    stream: str | None = None
    record: msgspec.Raw = msgspec.Raw(b"")
    value: Any = None
    version: int | None = None
    key_properties: list[str] | None = None
    schema: dict[str, Any] | None = None


class MessageReader:
    """The pages of one stream.

    A checkpoint holds the tap's state and the version of the table (`ACTIVATE_VERSION`) that its rows belong to. A new
    version takes the old one's place whole: until it is complete no checkpoint is given, so a tap that dies midway
    begins it anew, and rows of the old version are not missed for gone ones.
    """

    def __init__(
        self,
        schema: StreamSchema,
        keys: tuple[str, ...],
        names: frozenset[str],
        start: Checkpoint,
        misunderstood: Callable[[str], SourceFailure],
        grown: Callable[[dict[str, Any]], StreamSchema | None] = lambda told: None,
    ) -> None:
        self._schema, self._keys, self._names, self._misunderstood = schema, keys, names, misunderstood
        self._grown = grown
        self._state, self._version = start.get("state"), start.get("version")
        self._new_version: int | None = None
        self._is_activated = False
        self._new_keys: list[bytes] = []
        self._rows: list[bytes] = []
        self._bytes = 0
        self._covered: int | None = None
        self._has_junk = False

    def pages(self, lines: Iterable[bytes]) -> Iterator[Page]:
        """Pages of about PAGE_ROWS records; each ends where the tap told its state, when it does so often enough."""
        try:
            for line in lines:
                schema = self._read(line)
                if schema is not None:
                    yield from self._before_new_schema()
                    yield replace(self._page([], {}), schema=schema)
                if len(self._rows) >= PAGE_ROWS or self._bytes >= PAGE_BYTES:
                    yield from self._flush()
        except ExpectedFailure:
            yield from self._covered_page()
            raise
        yield from self._end()

    def _read(self, line: bytes) -> StreamSchema | None:
        """Take a message in; the stream's new shape when it tells of fields nobody knew."""
        message = self._message(line)
        if message is None:
            return None
        if message.type == "STATE":
            self._state, self._covered = message.value, len(self._rows)
        elif message.stream not in self._names:
            return None  # a parent the tap reads on the way to its child
        elif message.type == "RECORD":
            self._take(message)
        elif message.type == "SCHEMA":
            self._compare_keys(message)
            return self._grown(message.schema or {})
        elif message.type == "ACTIVATE_VERSION":
            self._activate(message.version)
        return None

    def _message(self, line: bytes) -> Message | None:
        if not line.lstrip().startswith(b"{"):
            if line.strip() and not self._has_junk:
                self._has_junk = True
                log.warning("event=tap_wrote_no_message stream=%s", self._schema.stream)
            return None
        try:
            message = msgspec.json.decode(line, type=Message)
        except msgspec.DecodeError as error:
            raise self._misunderstood("wrote a line that is no Singer message") from error
        if message.type == "BATCH":
            raise self._misunderstood("writes BATCH files, which are not read; switch batch_config off")
        return message

    def _take(self, message: Message) -> None:
        version = message.version
        if version is not None and self._version is None:
            self._version = version  # the first version there is: nothing older can be gone
        is_new = version is not None and version != self._version
        if is_new and version != self._new_version:
            self._begin_version(version)
        row, key = self._row(bytes(message.record), with_key=is_new)
        self._rows.append(row)
        self._bytes += len(row)
        if is_new:
            self._new_keys.append(msgspec.json.encode({self._schema.primary_key[0]: key}) + b"\n")

    def _row(self, record: bytes, *, with_key: bool) -> tuple[bytes, Any]:
        """The record as a line, with our own columns where the stream needs them, and its key when asked for."""
        has_own_key = self._schema.primary_key == (KEY,)
        if not (with_key or has_own_key or self._schema.deleted_field):
            return record + b"\n", None
        values = msgspec.json.decode(record)
        extra: dict[str, Any] = {}
        if has_own_key:
            extra[KEY] = self._own_key(values)
        if self._schema.deleted_field:
            extra[GONE] = values.get(DELETED_AT) is not None
        key = extra[KEY] if has_own_key else values.get(self._schema.primary_key[0])
        return (_with(record, extra) if extra else record) + b"\n", key

    def _own_key(self, values: dict[str, Any]) -> str | None:
        if not self._keys:
            return hashlib.sha256(msgspec.json.encode(values, order="sorted")).hexdigest()[:32]
        parts = [values.get(name) for name in self._keys]
        return None if any(part is None for part in parts) else msgspec.json.encode(parts).decode()

    def _compare_keys(self, message: Message) -> None:
        told = tuple(message.key_properties or ())
        if told and set(told) != set(self._keys):
            raise self._misunderstood(
                f"names another key for {self._schema.stream} in its SCHEMA ({', '.join(told)}) than in its catalog "
                f"({', '.join(self._keys) or 'none'}); set keys: {{{self._schema.stream}: [{', '.join(told)}]}}"
            )

    def _begin_version(self, version: int | None) -> None:
        self._new_version, self._new_keys, self._is_activated = version, [], False

    def _activate(self, version: int | None) -> None:
        if version is None or version == self._version:
            return
        if self._version is None:
            self._version = version
            return
        if version != self._new_version:
            self._begin_version(version)
        self._is_activated = True

    def _flush(self) -> Iterator[Page]:
        yield from self._covered_page()
        if len(self._rows) >= PAGE_ROWS or sum(map(len, self._rows)) >= PAGE_BYTES:
            yield self._page(self._rows, {})
            self._rows = []
        self._bytes = sum(map(len, self._rows))

    def _before_new_schema(self) -> Iterator[Page]:
        """All rows so far: those after the last state come again if the run is cut off here."""
        yield from self._covered_page()
        if self._rows:
            yield self._page(self._rows, {})
        self._rows, self._bytes = [], 0

    def _covered_page(self) -> Iterator[Page]:
        """Rows up to the last state."""
        if self._covered is not None and self._new_version is None:
            yield self._page(self._rows[: self._covered], self._place())
            self._rows = self._rows[self._covered :]
        self._covered = None

    def _end(self) -> Iterator[Page]:
        """The tap ended well: what is left, the keys of a new version, and where the next run goes on."""
        if self._rows:
            yield self._page(self._rows, {})
        if self._new_version is not None:
            if self._is_activated:
                yield Page(
                    self._schema.stream,
                    PageFormat.JSONL,
                    (b"".join(self._new_keys),),
                    len(self._new_keys),
                    PageKind.KEYS,
                )
            self._version = self._new_version
        yield Page(self._schema.stream, PageFormat.JSONL, checkpoint=self._place(is_done=True))

    def _place(self, *, is_done: bool = False) -> Checkpoint:
        return {"state": self._state, "version": self._version, "is_done": is_done}

    def _page(self, rows: list[bytes], checkpoint: Checkpoint) -> Page:
        body = (b"".join(rows),) if rows else ()
        return Page(self._schema.stream, PageFormat.JSONL, body, len(rows), checkpoint=checkpoint)


def _with(record: bytes, extra: dict[str, Any]) -> bytes:
    """The JSON object with these keys before its own."""
    rest = record.lstrip()[1:].lstrip()
    return msgspec.json.encode(extra)[:-1] + (b"" if rest.startswith(b"}") else b",") + rest
