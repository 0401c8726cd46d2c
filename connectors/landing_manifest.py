"""What a finished run of a stream left in the landing zone: its parts, window, schema and checksums."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.contract import Checkpoint, PageFormat, PageKind, StreamSchema, Window
from connectors.errors import LandingFailure

MANIFEST_NAME = "manifest.json"
MANIFEST_VERSION = 1


@dataclass(frozen=True)
class Part:
    """One landed page.

    rows: records, without the header of a CSV. bytes, sha256: of the compressed file as it lies on disk.
    nul_bytes: NUL characters taken out.
    """

    file: str
    format: PageFormat
    kind: PageKind
    rows: int
    bytes: int
    sha256: str
    nul_bytes: int = 0

    def to_json(self) -> dict[str, Any]:
        """The part as the manifest keeps it."""
        return dict(self.__dict__)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Part:
        """The inverse of `to_json`."""
        return cls(**{**data, "format": PageFormat(data["format"]), "kind": PageKind(data["kind"])})


@dataclass(frozen=True)
class Manifest:
    """A finished run of one stream; its file is the proof that the run is whole.

    rows: records in upsert parts (deletes and keys are not counted). source_count: records the source said
    it holds, None if it cannot say. api_calls: requests the run took, children included; 0 for a child.
    bookmark: the run's last checkpoint, where a source that keeps its own place goes on next time.
    lacking: columns and child streams that are empty for records landed earlier, which have them in the source.
    """

    source_id: str
    system: str
    stream: str
    table: str
    run_id: str
    window: Window
    schema: StreamSchema
    parts: tuple[Part, ...]
    rows: int
    source_count: int | None
    api_calls: int
    started_at: datetime
    finished_at: datetime
    bookmark: Checkpoint | None = None
    lacking: tuple[str, ...] = ()
    manifest_version: int = MANIFEST_VERSION

    def to_json(self) -> dict[str, Any]:
        """The manifest as its file holds it."""
        return {
            "manifest_version": self.manifest_version,
            "source_id": self.source_id,
            "system": self.system,
            "stream": self.stream,
            "table": self.table,
            "run_id": self.run_id,
            "window": window_to_json(self.window),
            "schema": self.schema.to_json(),
            "parts": [part.to_json() for part in self.parts],
            "rows": self.rows,
            "source_count": self.source_count,
            "api_calls": self.api_calls,
            "bookmark": self.bookmark,
            "lacking": list(self.lacking),
            "started_at": self.started_at.isoformat(),
            "finished_at": self.finished_at.isoformat(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Manifest:
        """The inverse of `to_json`."""
        return cls(
            **{
                **data,
                "window": window_from_json(data["window"]),
                "schema": StreamSchema.from_json(data["schema"]),
                "parts": tuple(Part.from_json(part) for part in data["parts"]),
                "lacking": tuple(data.get("lacking", ())),
                "started_at": datetime.fromisoformat(data["started_at"]),
                "finished_at": datetime.fromisoformat(data["finished_at"]),
            }
        )

    def verify(self, folder: Path) -> None:
        """Compare the parts in `folder` with their sizes and checksums; LandingFailure at a difference."""
        for part in self.parts:
            path = folder / part.file
            try:
                with path.open("rb") as opened:
                    is_same = hashlib.file_digest(opened, "sha256").hexdigest() == part.sha256
                    is_same = is_same and opened.tell() == part.bytes
            except OSError as error:
                raise LandingFailure(
                    "A landed part cannot be read.",
                    where=str(path),
                    why=str(error.strerror),
                    next_step=f"restore the file, or remove {folder} and run  crmlift extract  again",
                ) from error
            if not is_same:
                raise LandingFailure(
                    "A landed part is damaged: its size or checksum is not the manifest's.",
                    where=str(path),
                    next_step=f"restore the file, or remove {folder} and run  crmlift extract  again",
                    saved="Nothing of this run was loaded.",
                )


def window_to_json(window: Window) -> dict[str, Any]:
    """The window as ISO-8601 instants, and its bookmark when it has one."""
    instants: dict[str, Any] = {
        "since": window.since.isoformat() if window.since else None,
        "until": window.until.isoformat(),
    }
    return instants if window.bookmark is None else {**instants, "bookmark": window.bookmark}


def window_from_json(data: Mapping[str, Any]) -> Window:
    """The inverse of `window_to_json`."""
    since, until = data["since"], data["until"]
    return Window(
        datetime.fromisoformat(since) if since else None, datetime.fromisoformat(str(until)), data.get("bookmark")
    )


def finished_at(path: Path) -> datetime:
    """When the run of a manifest finished, read from the end of its file: a zone holds tens of thousands."""
    try:
        with path.open("rb") as opened:
            opened.seek(max(path.stat().st_size - 200, 0))
            found = re.search(rb'"finished_at": "([^"]+)"\s*}\s*$', opened.read())
    except OSError:
        found = None
    return datetime.fromisoformat(found[1].decode()) if found else read_manifest(path).finished_at


def read_manifest(path: Path) -> Manifest:
    """The manifest in a file; LandingFailure if it is missing, damaged or of a later version."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        version = data["manifest_version"]
        if version == MANIFEST_VERSION:
            return Manifest.from_json(data)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LandingFailure(
            "A manifest cannot be read.",
            where=str(path),
            why=f"{type(error).__name__}: {error}",
            next_step="restore the file, or remove its folder and run  crmlift extract  again",
        ) from error
    raise LandingFailure(
        f"A manifest is of version {version}; this crmlift reads version {MANIFEST_VERSION}.",
        where=str(path),
        next_step="use the crmlift that wrote it, or a later one",
    )
