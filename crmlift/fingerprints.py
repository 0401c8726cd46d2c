"""What streams looked like when they were landed, for sources that can tell without being read."""

from __future__ import annotations

import json
from pathlib import Path

from connectors.contract import Connector
from connectors.landing_files import write_json

FINGERPRINTS = "fingerprints.json"


class Fingerprints:
    """What a source's streams looked like when they were landed last, for sources that can tell without being read.

    Written after a run is whole: cut off in between, the stream is read once more and changes nothing.
    unchanged: those that need not be read this time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.unchanged: set[str] = set()
        self._landed: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def of(self, connector: Connector, stream: str) -> str | None:
        """The stream's present content in one hash; None for sources that must be asked for changes."""
        tell = getattr(connector, "fingerprint", None)
        return tell(connector.schema(stream)) if tell else None

    def with_gone(self, streams: list[str]) -> list[str]:
        """The streams and those that were landed before and are no longer asked for: read once more, they are empty."""
        return [*streams, *(stream for stream in self._landed if stream not in streams)]

    def is_landed(self, stream: str, fingerprint: str) -> bool:
        """Whether just this content is in the landing zone already."""
        return self._landed.get(stream) == fingerprint

    def note(self, stream: str, fingerprint: str | None) -> None:
        """Remember what was landed."""
        if fingerprint:
            self._landed[stream] = fingerprint
            write_json(self._path, self._landed)
