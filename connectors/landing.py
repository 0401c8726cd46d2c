"""The landing zone: pages as received, compressed, with a manifest for each finished run of a stream.

    <root>/<source_id>/<stream>/<run_id>/part-00000.csv.zst   one page
                                         checkpoint.jsonl     while the run is unfinished
                                         manifest.json        once it is finished

A part counts only when checkpoint.jsonl names it, and it is named in one step with the source's own
checkpoint: whatever is killed when, the next `begin` goes on after the last recorded page and doubles none.
"""

from __future__ import annotations

import logging
import re
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

from connectors.contract import StreamSchema, Window
from connectors.errors import SettingsFailure
from connectors.landing_files import disk_errors
from connectors.landing_journal import JOURNAL_NAME, Journal, schemas_as_json
from connectors.landing_manifest import MANIFEST_NAME, Manifest, Part, finished_at, read_manifest
from connectors.landing_writer import StreamWriter

__all__ = ["LandingZone", "Manifest", "Part", "StreamWriter", "read_manifest"]

log = logging.getLogger(__name__)


class LandingZone:
    """A folder of landed pages. pause: how to wait between attempts (tests do not)."""

    def __init__(self, root: Path, *, pause: Callable[[float], None] = time.sleep) -> None:
        if re.match(r"^[A-Za-z][A-Za-z0-9+.-]+:/", str(root)):
            raise SettingsFailure(
                "The landing zone is an address; only folders of this machine are supported yet.",
                where=str(root),
                next_step="set landing to a folder (a mounted bucket will do)",
            )
        self.root = Path(root)
        self._pause = pause

    def begin(self, schema: StreamSchema, source_id: str, run_id: str, window: Window) -> StreamWriter:
        """A writer for one run of a stream: the unfinished one if there is any, else a new one over
        `window`. A run killed between its last page and its manifests is unfinished too: it has nothing left to read.

        Read `writer.window` and `writer.checkpoint`, not your own: an unfinished run keeps its window and
        folder. One whose schema is no longer the source's, or whose files are damaged, is thrown away and
        read anew.
        """
        stream_folder = self._folder(source_id, schema.stream)
        with disk_errors(stream_folder):
            unfinished = sorted(stream_folder.glob(f"*/{JOURNAL_NAME}"))
        for path in unfinished:
            if (path.parent / MANIFEST_NAME).exists():  # killed between its manifest and the end of its journal
                with disk_errors(path):
                    path.unlink()
                continue
            folders = self._run_folders(schema, source_id, path.parent.name)
            journal = _usable_journal(path, schema, folders)
            if journal is None:
                log.warning("run_discarded source_id=%s stream=%s run=%s", source_id, schema.stream, path.parent.name)
                _remove(folders)
                continue
            writer = StreamWriter(journal, schema, source_id, folders, pause=self._pause)
            writer.clean()
            log.info("run_resumed source_id=%s stream=%s run=%s", source_id, schema.stream, path.parent.name)
            return writer
        return self._new_run(schema, source_id, run_id, window)

    def manifests(self, source_id: str | None = None) -> list[Path]:
        """Manifests of finished runs in load order: by the time they finished, then by path."""
        pattern = f"{_safe(source_id) if source_id is not None else '*'}/*/*/{MANIFEST_NAME}"
        with disk_errors(self.root):
            found = list(self.root.glob(pattern))
        return sorted(found, key=lambda path: (finished_at(path), path))

    def newest(self, source_id: str) -> dict[str, Manifest]:
        """Stream → the manifest of its newest finished run; the older ones are not opened."""
        by_folder = {path.parent.parent: path for path in self.manifests(source_id)}
        return {manifest.stream: manifest for manifest in map(read_manifest, by_folder.values())}

    def discard(self, schema: StreamSchema, source_id: str) -> None:
        """Throw the unfinished run of a stream away, where going on with it leads nowhere."""
        for path in sorted(self._folder(source_id, schema.stream).glob(f"*/{JOURNAL_NAME}")):
            log.warning("run_discarded source_id=%s stream=%s run=%s", source_id, schema.stream, path.parent.name)
            _remove(self._run_folders(schema, source_id, path.parent.name))

    def _new_run(self, schema: StreamSchema, source_id: str, run_id: str, window: Window) -> StreamWriter:
        name, number = _safe(run_id), 1
        while (self._folder(source_id, schema.stream) / name / MANIFEST_NAME).exists():
            number += 1
            name = f"{_safe(run_id)}-{number}"
        folders = self._run_folders(schema, source_id, name)
        for folder in folders.values():
            with disk_errors(folder):
                folder.mkdir(parents=True, exist_ok=True)
        journal = Journal.create(folders[schema.stream] / JOURNAL_NAME, run_id, window, schema)
        writer = StreamWriter(journal, schema, source_id, folders, pause=self._pause)
        writer.clean()
        return writer

    def _folder(self, source_id: str, stream: str) -> Path:
        return self.root / _safe(source_id) / _safe(stream)

    def _run_folders(self, schema: StreamSchema, source_id: str, name: str) -> dict[str, Path]:
        return {each.stream: self._folder(source_id, each.stream) / name for each in (schema, *schema.children)}


def _usable_journal(path: Path, schema: StreamSchema, folders: Mapping[str, Path]) -> Journal | None:
    """The journal of an unfinished run, if it can be gone on with."""
    journal = Journal.open(path)
    if journal is None or journal.schemas != schemas_as_json(schema):
        return None
    for stream, parts in journal.parts.items():
        if any(not _has_size(folders[stream] / part.file, part.bytes) for part in parts):
            return None
    return journal


def _remove(folders: Mapping[str, Path]) -> None:
    """Throw a run away; the folder with the journal comes first in the mapping and goes last."""
    for folder in reversed(list(folders.values())):
        with disk_errors(folder):
            if folder.exists():
                shutil.rmtree(folder)


def _has_size(path: Path, size_bytes: int) -> bool:
    try:
        return path.stat().st_size == size_bytes
    except OSError:
        return False


def _safe(name: str) -> str:
    """A name every file system takes: letters, digits, `_`, `-`, `.`, and percent escapes for the rest."""
    escaped = quote(name, safe="").replace("~", "%7E")
    return escaped if escaped.strip(".") else escaped.replace(".", "%2E")
