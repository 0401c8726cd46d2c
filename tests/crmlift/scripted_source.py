"""A source whose every answer a test sets: what its streams look like, what they hold, and where they refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.contract import Checkpoint, Connector, Field, Finding, Page, StreamSchema, Window
from connectors.errors import ExpectedFailure

START = datetime(2026, 3, 1, 2, tzinfo=UTC)
Row = dict[str, Any]


def shape(stream: str, *names: str, **more: Any) -> StreamSchema:
    """A stream whose key is `id` and whose versions `at` orders."""
    fields = (Field("id"), *(Field(name) for name in names))
    return StreamSchema(stream, "plain", stream, fields, ("id",), **more)


@dataclass
class Script:
    """What the source is tonight.

    schemas, rows: by stream. refuse: stream → what its read raises after `refuse_after` pages of one row each.
    windows: what was asked, in order.
    """

    schemas: dict[str, StreamSchema]
    rows: dict[str, list[Row]] = field(default_factory=dict)
    refuse: dict[str, ExpectedFailure] = field(default_factory=dict)
    refuse_after: int = 0
    refuse_schema: dict[str, ExpectedFailure] = field(default_factory=dict)
    children: dict[str, list[Row]] = field(default_factory=dict)
    grows: dict[str, tuple[int, StreamSchema]] = field(default_factory=dict)
    mends: Callable[[Script], None] = lambda script: None
    named_refusals: list[ExpectedFailure] = field(default_factory=list)
    nights: int = 0
    windows: list[tuple[str, Window]] = field(default_factory=list)

    def of(self, stream: str) -> list[Window]:
        """The windows a stream was read over."""
        return [window for name, window in self.windows if name == stream]


class ScriptedConnector(Connector):
    """The connector of a script."""

    system = "plain"

    def __init__(self, script: Script) -> None:
        self.source_id, self._script = "desk", script

    def streams(self) -> list[str]:
        return list(self._script.schemas)

    def schema(self, stream: str) -> StreamSchema:
        if stream in self._script.refuse_schema:
            raise self._script.refuse_schema[stream]
        return self._script.schemas[stream]

    def clock(self) -> datetime:
        return START + timedelta(days=self._script.nights)

    def read(self, schema: StreamSchema, window: Window, checkpoint: Checkpoint | None) -> Iterator[Page]:
        script, stream = self._script, schema.stream
        script.windows.append((stream, window))
        start = checkpoint["next"] if checkpoint else 0
        refusal = script.refuse.get(stream)
        for number, row in enumerate(script.rows.get(stream, [])):
            if refusal is not None and number >= script.refuse_after:
                script.mends(script)
                raise refusal
            grown = script.grows.get(stream)
            if grown is not None and number == grown[0]:
                yield Page.of_rows(stream, [], checkpoint=None) if number < start else _schema_page(grown[1])
            if number >= start:
                yield Page.of_rows(stream, [row], checkpoint={"next": number + 1})
        if refusal is not None and len(script.rows.get(stream, [])) <= script.refuse_after:
            script.mends(script)
            raise refusal
        for child in schema.children:
            yield Page.of_rows(child.stream, script.children.get(child.stream, []))

    def findings(self) -> list[Finding]:
        return []

    def refusals(self) -> list[ExpectedFailure]:
        return self._script.named_refusals


def _schema_page(schema: StreamSchema) -> Page:
    return replace(Page.of_rows(schema.stream, []), schema=schema)


def settings_at(home: Path) -> None:
    """Settings with the one source; its type does not matter, for its connector is the script's."""
    (home / "crmlift.yml").write_text("sources: {desk: {type: files, path: ., files: {}, lookback_minutes: 10}}")
