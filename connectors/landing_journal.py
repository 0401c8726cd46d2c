"""checkpoint.jsonl: all that is durable of an unfinished run, one line a step.

The first line says what is read; each later one adds parts together with the source's checkpoint after
them. A line is appended and synced in one go, and a torn last line is as if it had never been written: so
each step is atomic, and a run of many thousand pages does not rewrite its past at every one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors.contract import Checkpoint, StreamSchema, Window
from connectors.landing_files import disk_errors, sync_folder
from connectors.landing_manifest import Part, window_from_json, window_to_json

JOURNAL_NAME = "checkpoint.jsonl"

Grown = tuple[StreamSchema, tuple[str, ...]]
"""A stream's schema (without children) as it became, and the fields that rows read before lack."""


def schemas_as_json(schema: StreamSchema) -> dict[str, Any]:
    """A stream's schema and its children's as JSON gives them back, to notice that the source changed."""
    schemas = {each.stream: each.to_json() for each in (schema, *schema.children)}
    plain: dict[str, Any] = json.loads(json.dumps(schemas))
    return plain


class Journal:
    """The steps of one run, on disk and folded together.

    parts: stream → its recorded parts. checkpoint: the source's, after the last recorded page. grown: the stream's
    schema where it gained fields while it was read, and those that came after the first rows.
    """

    def __init__(self, path: Path, head: Mapping[str, Any]) -> None:
        self.path = path
        self.run_id: str = head["run_id"]
        self.window: Window = window_from_json(head["window"])
        self.started_at = datetime.fromisoformat(head["started_at"])
        self.schemas: Mapping[str, Any] = head["schemas"]
        self.parts: dict[str, list[Part]] = {}
        self.checkpoint: Checkpoint | None = None
        self.grown: Grown | None = None
        self._size_bytes = 0

    @classmethod
    def create(cls, path: Path, run_id: str, window: Window, schema: StreamSchema) -> Journal:
        """A journal of a run that has landed nothing yet; on disk at once."""
        head = {
            "run_id": run_id,
            "window": window_to_json(window),
            "started_at": datetime.now(UTC).isoformat(),
            "schemas": schemas_as_json(schema),
        }
        journal = cls(path, head)
        journal._append(head)
        with disk_errors(path):
            sync_folder(path.parent)
        return journal

    @classmethod
    def open(cls, path: Path) -> Journal | None:
        """The journal in a file; None when not even its first line is whole."""
        try:
            head, *steps = path.read_bytes().split(b"\n")
            journal = cls(path, json.loads(head))
            journal._size_bytes = len(head) + 1
            for step in steps[:-1]:
                journal._fold(json.loads(step))
                journal._size_bytes += len(step) + 1
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return journal

    def record(
        self, parts: Iterable[tuple[str, Part]], checkpoint: Checkpoint | None, grown: Grown | None = None
    ) -> None:
        """Make durable that these parts count and that reading goes on after `checkpoint`."""
        step: dict[str, Any] = {"parts": [[s, part.to_json()] for s, part in parts], "checkpoint": checkpoint}
        if grown is not None:
            step["grown"] = [grown[0].to_json(), list(grown[1])]
        self._append(step)
        self._fold(step)

    def _fold(self, step: Mapping[str, Any]) -> None:
        for stream, part in step["parts"]:
            self.parts.setdefault(stream, []).append(Part.from_json(part))
        self.checkpoint = step["checkpoint"]
        if "grown" in step:
            schema, late = step["grown"]
            self.grown = StreamSchema.from_json(schema), tuple(late)

    def _append(self, step: Mapping[str, Any]) -> None:
        line = json.dumps(step).encode() + b"\n"
        with disk_errors(self.path):
            try:
                with self.path.open("r+b" if self._size_bytes else "wb") as opened:
                    opened.truncate(self._size_bytes)
                    opened.seek(self._size_bytes)
                    opened.write(line)
                    opened.flush()
                    os.fsync(opened.fileno())
            except BaseException:
                with suppress(OSError):
                    os.truncate(self.path, self._size_bytes)
                raise
        self._size_bytes += len(line)
