"""The files connector: `connectors.contract.Connector` for spreadsheets and exports."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from connectors.contract import Checkpoint, Connector, Finding, Page, PageFormat, StreamSchema, Window
from connectors.errors import SettingsFailure, SourceFailure
from connectors.files.entities import SYSTEM, entities
from connectors.files.last_day import HAPPENED, LastDay
from connectors.files.mapping import FileSet, file_sets, read_mapping
from connectors.files.passing import PlainStream, plain_stream
from connectors.files.places import FoundFile, content_hash, find, is_pattern, refuse_missing_folder
from connectors.files.reading import OpenTable, Record, open_tables, pages

log = logging.getLogger(__name__)

TOLD = 5
"""So many places are named in a finding."""


class FilesConnector(Connector):
    """Reads the files of one source; every entity mapped to is a stream that is read whole when its files change."""

    system = SYSTEM

    def __init__(
        self, source_id: str, folder: str, sets: Sequence[FileSet], timezone: str, as_of: datetime | None
    ) -> None:
        self.source_id = source_id
        self.sets, self.timezone = list(sets), timezone
        self._folder, self._as_of = folder, as_of
        self._found: dict[tuple[str, ...], list[FoundFile]] = {}
        self._plain: dict[str, PlainStream | None] = {}
        self._unread: dict[tuple[str, str], list[str]] = {}
        self._tables: dict[tuple[str, str], OpenTable] = {}
        self._ends: dict[str, Finding] = {}

    def check(self) -> str:
        """Find the files; says how many there are for each set."""
        told = ", ".join(f"{one.name}: {len(self.files_of(one))}" for one in self.sets)
        return f"Files below {self._folder} ({told})"

    def clock(self) -> datetime:
        """Up to when the files tell: the setting `as_of`, else now."""
        return self._as_of or datetime.now(UTC)

    def end(self, schema: StreamSchema) -> datetime:
        """The setting `as_of`; else the day after the last record of what happened; else now."""
        last = None if self._as_of else self._last_day(schema.stream)
        if last is None:
            return self.clock()
        midnight = datetime.combine(last + timedelta(days=1), time(), ZoneInfo(self.timezone)).astimezone(UTC)
        return min(midnight, self.clock())

    def _last_day(self, stream: str) -> date | None:
        """The last day with records of a stream, noted to be told; None for inputs, and where no day is told."""
        if stream not in HAPPENED:
            return None
        plain = self._plain_stream(stream)
        found = plain.last_day if plain else LastDay(stream)
        for one in [] if plain else self.sets_of(stream):
            for table in open_tables(one, self.files_of(one), self.timezone):
                for record in table.records():
                    if not record.problems:
                        found.add(record.values)
        last, late = found.end(datetime.now(ZoneInfo(self.timezone)).date())
        if last is not None:
            slips = f"; {late} rows long after that are taken for slips" if late else ""
            told = f"The records end on {last}{slips}, and figures with them; set as_of of the source to say otherwise."
            self._ends[stream] = Finding("files_end", stream, None, told)
            log.info("event=files_end", extra={"people": f"extract {self.source_id}  {stream}: {told}"})
        return last

    def streams(self) -> list[str]:
        """The entities that files are mapped to."""
        return list(dict.fromkeys(one.entity.name for one in self.sets))

    def schema(self, stream: str) -> StreamSchema:
        """The entity's columns; of large plain files the files' own, mapped ones under their names.

        Where a column says when a row was modified, the newest of the rows with one id counts.
        """
        plain = self._plain_stream(stream)
        schema = plain.schema if plain else entities()[stream].schema
        sets = self.sets_of(stream)
        is_dated = bool(sets) and all("modified_at" in one.columns for one in sets)
        return replace(schema, version_field="modified_at") if is_dated else schema

    def sets_of(self, stream: str) -> list[FileSet]:
        """The file sets that make a stream."""
        return [one for one in self.sets if one.entity.name == stream]

    def files_of(self, one: FileSet) -> list[FoundFile]:
        """The files of a set. SourceFailure when their folder is not there: not a sign that all are gone."""
        if one.paths not in self._found:
            refuse_missing_folder(self._folder)
            self._found[one.paths] = find(one.paths, self._folder)
        return self._found[one.paths]

    def fingerprint(self, schema: StreamSchema) -> str:
        """Names and contents of the stream's files and their mapping in one hash: unchanged, nothing need be read."""
        sets = self.sets_of(schema.stream)
        plain = self._plain_stream(schema.stream)
        files = {file.name: file for one in sets for file in self._all_there(one)}
        content = plain.fingerprint if plain else content_hash(files.values())
        mapping = [asdict(one) for one in sets]
        told = json.dumps([mapping, self.timezone, self._as_of, schema.to_json()], default=_plain)
        return f"{content}:{hashlib.sha256(told.encode()).hexdigest()[:16]}"

    def read(self, schema: StreamSchema, window: Window, checkpoint: Checkpoint | None) -> Iterator[Page]:
        """All rows of the stream's files; a run that was cut off begins again."""
        plain = self._plain_stream(schema.stream)
        if plain:
            yield from plain.pages()
            return
        names = [field.name for field in schema.fields]
        opened = (
            table
            for one in self.sets_of(schema.stream)
            for table in open_tables(one, self._all_there(one), self.timezone)
        )
        for body, rows in pages(opened, names, self._note):
            yield Page(schema.stream, PageFormat.CSV, [body], rows=rows)

    def _note(self, table: OpenTable, record: Record) -> None:
        """Keep what a row is loaded without, to be told as a finding."""
        self._tables[table.one.entity.name, table.table.place] = table
        for cell in record.unread:
            places = self._unread.setdefault((table.one.entity.name, cell.target or ""), [])
            places.append(f"{table.table.place}, row {cell.row} {cell.reason}")

    def count(self, schema: StreamSchema) -> int | None:
        """Files do not say how many records they hold."""
        return None

    def findings(self) -> list[Finding]:
        """Sets without any file; of the streams read: cells that rows are loaded without, rows that are no records."""
        found = [
            Finding("missing_object", one.name, None, f"{self.source_id} has no files {', '.join(one.paths)}.")
            for one in self.sets
            if not self.files_of(one)
        ]
        for (stream, target), places in self._unread.items():
            told = f"{len(places)} cells could not be read and are empty: {'; '.join(places[:TOLD])}"
            found.append(Finding("unreadable_cell", stream, target, told + ("; …" if len(places) > TOLD else ".")))
        for (stream, place), table in self._tables.items():
            if rows := table.table.left_out:
                told = (
                    f"{place}: {len(rows)} rows below the records (from row {rows[0]} on: totals, notes) are left out."
                )
                found.append(Finding("footer_rows", stream, place, told))
        return [*found, *self._ends.values()]

    @property
    def api_calls(self) -> int:
        """Files are no API."""
        return 0

    def close(self) -> None:
        """Nothing is held open."""

    def _all_there(self, one: FileSet) -> list[FoundFile]:
        """The files of a set. SourceFailure when one that is named, not matched, is missing: it may not be gone."""
        files = self.files_of(one)
        for path in one.paths:
            if not is_pattern(path) and not find([path], self._folder):
                raise SourceFailure(
                    f"The file {path} of {one.name} is not there.", where=f"{self.source_id}: {self._folder}",
                    saved="Its rows stay as they were.",
                    next_step="put it back; or take it out of the mapping, and its rows are marked deleted",
                )  # fmt: skip
        return files

    def _plain_stream(self, stream: str) -> PlainStream | None:
        if stream not in self._plain:
            sets = self.sets_of(stream)
            files = [file for one in sets for file in self.files_of(one)]
            self._plain[stream] = plain_stream(sets, files)
        return self._plain[stream]


def open_files(source_id: str, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Connector:
    """The connector of a files source; SettingsFailure when its mapping cannot be used."""
    folder = str(settings.get("path") or ".")
    given: dict[str, Any] = dict(settings.get("files") or {})
    where = f"sources.{source_id}"
    if settings.get("mapping"):
        path = Path(settings["mapping"])
        given |= read_mapping(path)
        where = str(path)
    if not given:
        raise SettingsFailure(
            f"The source {source_id} maps no files.", where=f"sources.{source_id}",
            next_step="crmlift connectors map FILE --out mapping.yml  writes a first mapping; name it under mapping:",
        )  # fmt: skip
    as_of = settings.get("as_of")
    if isinstance(as_of, str):
        as_of = datetime.fromisoformat(as_of)
    if as_of is not None and as_of.tzinfo is None:
        as_of = as_of.replace(tzinfo=UTC)
    timezone = str(settings.get("timezone") or "UTC")
    try:
        ZoneInfo(timezone)
    except (KeyError, ValueError, OSError):
        raise SettingsFailure(
            f"{timezone!r} is no time zone.", where=f"sources.{source_id}.timezone", next_step="such as Europe/Kyiv"
        ) from None
    return FilesConnector(source_id, folder, file_sets(given, where), timezone, as_of)


def _plain(value: Any) -> Any:
    """Sets in one order, whatever the process; all else as it is written."""
    return sorted(value) if isinstance(value, frozenset | set) else repr(value)
