"""Step one of a night: ask each source for what changed and land it; no database is opened."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from connectors.contract import Connector, Finding, Window
from connectors.errors import ExpectedFailure
from connectors.landing import LandingZone, Manifest, read_manifest
from connectors.landing_files import write_json
from connectors.registry import open_connector
from crmlift.errors import DataCheckFailure
from crmlift.settings_file import Loaded, source_secrets

log = logging.getLogger(__name__)

FINDINGS = "findings.json"
FINGERPRINTS = "fingerprints.json"


@dataclass(frozen=True)
class ExtractResult:
    """What one source gave."""

    source_id: str
    rows: int
    streams: int
    api_calls: int


def extract_source(
    loaded: Loaded,
    source_id: str,
    *,
    run_id: str,
    full: bool = False,
    secrets: Mapping[str, str] | None = None,
) -> ExtractResult:
    """Land every stream of a source from where the last finished run ended (less the lookback) to the source's now.

    full: read everything again. secrets: overrides the environment (Airflow connections). Failures are those of
    connectors.errors; streams that finished stay landed, an unfinished one goes on next time.
    """
    settings = loaded.settings.sources[source_id]
    zone = LandingZone(loaded.places.landing)
    connector = open_source(loaded, source_id, secrets)
    lookback = timedelta(minutes=settings.lookback_minutes)
    total = 0
    try:
        read_before = {} if full else _read_before(zone, source_id)
        known = _Fingerprints(zone.root / source_id / FINGERPRINTS)
        failures: list[ExpectedFailure] = []
        with classified(connector):
            streams = known.with_gone(connector.streams())
            for stream in streams:
                with _apart(connector, failures):
                    fingerprint = known.of(connector, stream)
                    if fingerprint and stream in read_before and known.is_landed(stream, fingerprint):
                        continue
                    rows = _extract_stream(connector, zone, stream, read_before.get(stream), lookback, run_id)
                    known.note(stream, fingerprint)
                    total += rows
                    if rows:
                        log.info("event=landed", extra={"people": f"extract {source_id}  {stream}: {rows:,} rows"})
        _note_findings(zone, source_id, connector.findings())
        if failures:
            raise failures[0]
        return ExtractResult(source_id, total, len(streams), connector.api_calls)
    finally:
        connector.close()


def open_source(loaded: Loaded, source_id: str, secrets: Mapping[str, str] | None = None) -> Connector:
    """The connector of a source of the settings file; secrets: instead of those in the environment. Close it."""
    settings = loaded.settings.sources[source_id]
    given = secrets if secrets else source_secrets(source_id, settings.type)
    chosen = settings.model_dump(exclude_none=True)
    if settings.type == "files":
        chosen = {"timezone": loaded.settings.company.timezone} | chosen
        for name in ("path", "mapping"):
            if name in chosen and "://" not in chosen[name]:
                chosen[name] = str(loaded.path.parent / Path(chosen[name]).expanduser())
    return open_connector(source_id, chosen, given)


def refuse_unread(loaded: Loaded) -> None:
    """DataCheckFailure when a source was never read: a night over a part of the data would reach verdicts that stay."""
    zone = LandingZone(loaded.places.landing)
    unread = [name for name in loaded.settings.sources if not zone.manifests(name)]
    if unread:
        raise DataCheckFailure(
            f"Nothing was ever read from {', '.join(unread)}.", where="sources",
            why="A night over a part of the data would reach verdicts that stay.", saved="What was landed stays.",
            next_step=f"mend it and run  crmlift extract --only {unread[0]}  or take it out of crmlift.yml",
        )  # fmt: skip


class _Fingerprints:
    """What a source's streams looked like when they were landed last, for sources that can tell without being read.

    Written after a run is whole: cut off in between, the stream is read once more and changes nothing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
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


@contextmanager
def _apart(connector: Connector, failures: list[ExpectedFailure]) -> Iterator[None]:
    """Streams of files have nothing to do with each other: one that fails is told at the end, the others are read."""
    try:
        yield
    except ExpectedFailure as failure:
        if not hasattr(connector, "fingerprint"):
            raise
        if failures:
            log.error("%s", failure)
        failures.append(failure)


@contextmanager
def classified(connector: Connector) -> Iterator[None]:
    """Errors of a connector leave as what they mean to people; those it does not know stay what they are."""
    try:
        yield
    except ExpectedFailure:
        raise
    except Exception as error:
        failure = connector.classify(error)
        if failure is None:
            raise
        raise failure from error


def _read_before(zone: LandingZone, source_id: str) -> dict[str, Manifest]:
    """Each stream's newest finished run."""
    return {m.stream: m for m in map(read_manifest, zone.manifests(source_id))}


def _extract_stream(
    connector: Connector,
    zone: LandingZone,
    stream: str,
    before: Manifest | None,
    lookback: timedelta,
    run_id: str,
) -> int:
    calls_before = connector.api_calls
    schema = connector.schema(stream)
    since = None if before is None or schema.is_snapshot else before.window.until - lookback
    bookmark = before.bookmark if before is not None and schema.keeps_bookmark else None
    writer = zone.begin(schema, connector.source_id, run_id, Window(since, connector.end(schema), bookmark))
    writer.write_all(connector.read(schema, writer.window, writer.checkpoint))
    count = connector.count(schema)
    manifests = writer.commit(count, connector.api_calls - calls_before)
    rows = manifests[-1].rows
    log.info("event=extract source=%s stream=%s rows=%d", connector.source_id, stream, rows)
    return rows


def _note_findings(zone: LandingZone, source_id: str, findings: list[Finding]) -> None:
    folder = zone.root / source_id
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / FINDINGS, {"findings": [asdict(finding) for finding in findings]})


def landed_findings(landing: Path) -> list[dict[str, Any]]:
    """What the newest extraction of each source found missing, with its source_id."""
    return [
        {"source_id": path.parent.name, **finding}
        for path in sorted(landing.glob(f"*/{FINDINGS}"))
        for finding in json.loads(path.read_text(encoding="utf-8"))["findings"]
    ]
