"""The Singer bridge: any tap as a source. docs/singer.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from connectors.contract import Checkpoint, Connector, Finding, Page, StreamSchema, Window
from connectors.errors import SettingsFailure
from connectors.singer.catalog import Catalog
from connectors.singer.reading import MessageReader
from connectors.singer.settings import SingerSettings
from connectors.singer.tap import Tap


class SingerConnector(Connector):
    """One tap. Each stream is a run of the tap with that stream selected, going on from the stream's own state."""

    settings_model = SingerSettings

    def __init__(self, source_id: str, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
        self.source_id = source_id
        given = {name: value for name, value in settings.items() if name in SingerSettings.model_fields}
        self._settings = SingerSettings.model_validate(given)
        self.system = self._settings.system_name
        if not self._settings.argv:
            raise SettingsFailure(
                "The tap's command is empty.",
                where=f"sources.{source_id}.command",
                next_step="set it to the tap's path",
            )
        self._tap = Tap(source_id, self._settings, secrets)
        self._read_catalog: Catalog | None = None

    def check(self) -> str:
        """Ask the tap to discover."""
        return f"{self._tap.name} has {self._catalog.size} streams, {len(self.streams())} of them selected"

    def streams(self) -> list[str]:
        """The selected streams of the catalog."""
        return self._catalog.streams()

    def schema(self, stream: str) -> StreamSchema:
        """The stream's columns by the catalog's JSON Schema."""
        return self._catalog.schema(stream)

    def read(self, schema: StreamSchema, window: Window, checkpoint: Checkpoint | None) -> Iterator[Page]:
        """What the tap tells since its state of the last run, or of the interrupted one."""
        if checkpoint and checkpoint["is_done"]:
            return  # the run was cut off after the tap had ended
        start = checkpoint or window.bookmark or {}
        stream, catalog = schema.stream, self._catalog
        reader = MessageReader(
            schema, catalog.keys(stream), catalog.names(stream), start, self._tap.misunderstood,
            lambda told: catalog.grown(stream, told),
        )  # fmt: skip
        yield from reader.pages(self._tap.messages(catalog.selecting(stream), start.get("state")))

    def findings(self) -> list[Finding]:
        """Properties that could not become columns."""
        return list(dict.fromkeys(self._catalog.findings))

    @property
    def _catalog(self) -> Catalog:
        if self._read_catalog is None:
            path = self._settings.catalog
            self._read_catalog = (
                Catalog.of_file(Path(path), self._settings) if path else Catalog(self._tap.discover(), self._settings)
            )
        return self._read_catalog
