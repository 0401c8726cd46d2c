"""A tap's catalog: which streams there are, what each looks like, and the copy that selects one of them."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from connectors.contract import Field, FieldType, Finding, StreamSchema
from connectors.errors import SettingsFailure
from connectors.singer.json_schema import columns
from connectors.singer.settings import SingerSettings

KEY, GONE, DELETED_AT = "_key", "_gone", "_sdc_deleted_at"
"""Columns of ours: a key for streams that have none or several; whether `_sdc_deleted_at` is set."""
_RESERVED = frozenset({"_source_id", "_deleted", "_extracted_at", "_run_id", "_row_hash", KEY, GONE})

Entry = dict[str, Any]


class Catalog:
    """The streams of a tap that are wanted."""

    def __init__(self, given: Mapping[str, Any], settings: SingerSettings) -> None:
        self._given, self._settings = given, settings
        self._entries: dict[str, Entry] = {_id(entry): entry for entry in given.get("streams") or ()}
        self.findings: list[Finding] = []

    @classmethod
    def of_file(cls, path: Path, settings: SingerSettings) -> Catalog:
        """The catalog in a file; SettingsFailure when there is none."""
        try:
            return cls(json.loads(path.read_text(encoding="utf-8")), settings)
        except (OSError, ValueError, AttributeError) as error:
            raise SettingsFailure(
                "The tap's catalog cannot be read.", where=str(path), why=f"{type(error).__name__}.",
                next_step="write it anew with  <tap> --config … --discover > catalog.json  or leave catalog out",
            ) from error  # fmt: skip

    @property
    def size(self) -> int:
        """Streams the tap has."""
        return len(self._entries)

    def streams(self) -> list[str]:
        """Ids of the streams to read: by `select` and `exclude`; a catalog file's own selection without them."""
        names = list(self._entries)
        if self._settings.select:
            names = [name for name in names if _matches(name, self._settings.select)]
        elif self._settings.catalog:
            names = [name for name in names if _is_selected(self._entries[name])] or names
        return [name for name in names if not _matches(name, self._settings.exclude)]

    def names(self, stream: str) -> frozenset[str]:
        """What messages call a stream: its id and its name."""
        return frozenset({stream, str(self._entries[stream].get("stream") or stream)})

    def keys(self, stream: str) -> tuple[str, ...]:
        """Properties that identify a record; empty where nobody names them."""
        entry = self._entries[stream]
        named = (
            self._settings.keys.get(stream) or entry.get("key_properties") or _root(entry).get("table-key-properties")
        )
        return tuple(named or ())

    def schema(self, stream: str) -> StreamSchema:
        """The stream's shape; one key column stays what it is, none or several become `_key`."""
        fields, left_out = columns(self._entries[stream].get("schema") or {}, _RESERVED)
        fields = [field for field in fields if not self._is_unwanted(stream, field)]
        for name in left_out:
            message = f"{stream} has {name} twice, but for capitals; the first is read."
            self.findings.append(Finding("missing_field", stream, name, message))
        keys = self.keys(stream)
        own = [Field(KEY, label="key made of the record")] if len(keys) != 1 else []
        is_log = any(field.name == DELETED_AT for field in fields)
        own += [Field(GONE, FieldType.BOOLEAN, label="deleted in the source")] if is_log else []
        return StreamSchema(
            stream=stream,
            system=self._settings.system_name,
            table=stream,
            fields=(*own, *fields),
            primary_key=keys if len(keys) == 1 else (KEY,),
            deleted_field=GONE if is_log else None,
            is_snapshot=_matches(stream, self._settings.snapshots),
            keeps_bookmark=True,
        )

    def grown(self, stream: str, told: Mapping[str, Any]) -> StreamSchema | None:
        """The stream's shape with the properties a SCHEMA message has beyond the catalog's; None where it has none.

        What the catalog says of the others holds: taps tell the same type in many ways. The tap gets its own catalog.
        """
        known: Mapping[str, Any] = self._entries[stream].get("schema") or {}
        properties = {**(told.get("properties") or {}), **(known.get("properties") or {})}
        was = self.schema(stream)
        self._entries[stream] = {**self._entries[stream], "schema": {**known, "properties": properties}}
        schema = self.schema(stream)
        return schema if len(schema.fields) > len(was.fields) else None

    def selecting(self, stream: str) -> dict[str, Any]:
        """The catalog as the tap gets it: this stream selected, every other not."""
        out: dict[str, Any] = copy.deepcopy(dict(self._given))
        for entry in out["streams"]:
            is_wanted = _id(entry) == stream
            root = _root(entry, make=True)
            root["selected"] = is_wanted
            if isinstance(entry.get("schema"), dict):
                entry["schema"]["selected"] = is_wanted  # how taps before metadata were told
            if not is_wanted:
                continue
            root |= _incremental(root)
            for pattern, values in self._settings.metadata.items():
                if fnmatchcase(stream, pattern):
                    root.update(values)
            for place in entry.get("metadata") or ():
                if place["breadcrumb"] and place["metadata"].get("inclusion") != "unsupported":
                    name = place["breadcrumb"][-1]
                    place["metadata"]["selected"] = not _matches(f"{stream}.{name}", self._settings.exclude)
        return out

    def _is_unwanted(self, stream: str, field: Field) -> bool:
        name = field.path[0] if field.path else field.name
        return name not in self.keys(stream) and _matches(f"{stream}.{name}", self._settings.exclude)


def _id(entry: Mapping[str, Any]) -> str:
    return str(entry.get("tap_stream_id") or entry["stream"])


def _root(entry: Entry, *, make: bool = False) -> dict[str, Any]:
    """Metadata of the stream itself."""
    for place in entry.get("metadata") or ():
        if not place["breadcrumb"]:
            found: dict[str, Any] = place["metadata"]
            return found
    fresh: dict[str, Any] = {}
    if make:
        entry["metadata"] = [{"breadcrumb": [], "metadata": fresh}, *(entry.get("metadata") or ())]
    return fresh


def _incremental(root: Mapping[str, Any]) -> dict[str, Any]:
    """How a stream that offers exactly one replication key and prescribes nothing is read."""
    keys = list(root.get("valid-replication-keys") or [])
    if len(keys) != 1 or any(name.endswith("replication-method") for name in root):
        return {}
    return {"replication-method": "INCREMENTAL", "replication-key": keys[0]}


def _is_selected(entry: Entry) -> bool:
    return bool(_root(entry).get("selected") or (entry.get("schema") or {}).get("selected") or entry.get("selected"))


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
