"""Pages to land and what became of them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import zstandard

from connectors.contract import Checkpoint, Field, Page, PageFormat, StreamSchema, Window
from connectors.landing import LandingZone, Manifest

UNTIL = datetime(2026, 11, 2, tzinfo=UTC)
WINDOW = Window(None, UNTIL)
SCHEMA = StreamSchema(
    "Opportunity", "salesforce", "Opportunity", (Field("Id"), Field("Name")), ("Id",), "SystemModstamp"
)


def zone_of(tmp_path: Path) -> LandingZone:
    """A landing zone that does not wait."""
    return LandingZone(tmp_path / "landing", pause=lambda seconds: None)


def csv_page(body: bytes, **more: Any) -> Page:
    """A page of opportunities with a checkpoint."""
    return Page("Opportunity", PageFormat.CSV, [body], **{"checkpoint": {"next": 1}, **more})


def rows_of(folder: Path, manifest: Manifest) -> list[dict[str, Any]]:
    """The records of a manifest's parts, read by someone else's parsers."""
    rows: list[dict[str, Any]] = []
    for part in manifest.parts:
        text = zstandard.ZstdDecompressor().stream_reader((folder / part.file).read_bytes()).read().decode()
        if part.format is PageFormat.CSV:
            found: list[dict[str, Any]] = list(csv.DictReader(io.StringIO(text)))
        else:
            found = [json.loads(line) for line in text.splitlines()]
        assert len(found) == part.rows
        rows += found
    return rows


def landed(zone: LandingZone, manifest: Manifest) -> list[dict[str, Any]]:
    """The records of a stream's run in a zone."""
    for path in zone.manifests(manifest.source_id):
        if path.parent.name == manifest.run_id and path.parent.parent.name == manifest.stream:
            return rows_of(path.parent, manifest)
    raise AssertionError("no such manifest")


@dataclass
class CountedSource:
    """Pages numbered from 0, each with its own checkpoint; notes which bodies were opened."""

    bodies: Sequence[bytes]
    stream_names: Sequence[str] = ("Opportunity",)
    opened: list[int] = field(default_factory=list)

    def pages(self, checkpoint: Checkpoint | None) -> Iterator[Page]:
        start = checkpoint["next"] if checkpoint else 0
        for number in range(start, len(self.bodies)):
            stream = self.stream_names[number % len(self.stream_names)]
            yield Page(stream, PageFormat.CSV, _Opened(self, number), checkpoint={"next": number + 1})


@dataclass
class _Opened:
    source: CountedSource
    number: int

    def __iter__(self) -> Iterator[bytes]:
        self.source.opened.append(self.number)
        yield from (
            self.source.bodies[self.number][i : i + 7] for i in range(0, len(self.source.bodies[self.number]), 7)
        )
