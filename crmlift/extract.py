"""Step one of a night: ask each source for what changed and land it; no database is opened."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from connectors.contract import Connector, Finding, StreamSchema, Window
from connectors.errors import SchemaChanged, SourceFailure
from connectors.landing import LandingZone, StreamWriter
from connectors.landing_files import write_json
from connectors.registry import open_connector
from crmlift.errors import DataCheckFailure
from crmlift.fingerprints import FINGERPRINTS, Fingerprints
from crmlift.landed_before import LandedBefore
from crmlift.refusals import ExtractResult, Refusals, classified
from crmlift.settings_file import Loaded, source_secrets

log = logging.getLogger(__name__)

FINDINGS = "findings.json"
MOST_SCHEMAS = 20
"""A column that is refused is left out and the next one found: so many times a stream and run."""


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
    connectors.errors; streams that finished stay landed, an unfinished one goes on next time. PartlyRead when single
    streams could not be read and the others were.
    """
    lookback = timedelta(minutes=loaded.settings.sources[source_id].lookback_minutes)
    zone = LandingZone(loaded.places.landing)
    connector = open_source(loaded, source_id, secrets)
    try:
        before = LandedBefore(zone, source_id, is_full=full)
        night = _Night(connector, zone, before, lookback, run_id)
        known = Fingerprints(zone.root / source_id / FINGERPRINTS)
        refused = Refusals(connector, before)
        with classified(connector):
            streams = known.with_gone(connector.streams())
        rows, read = _read_streams(night, streams, known, refused)
        more_rows, more_read = _read_streams(night, refused.worth_another_try, known, refused)
        earlier = [f for f in _noted_findings(zone, source_id) if f.object in known.unchanged]
        _note_findings(zone, source_id, _distinct([*earlier, *connector.findings(), *refused.findings()]))
        done = ExtractResult(source_id, rows + more_rows, len(streams), read + more_read, connector.api_calls)
        refused.raise_untold(done, connector.refusals())
        return done
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


def _read_streams(night: _Night, streams: list[str], known: Fingerprints, refused: Refusals) -> tuple[int, int]:
    """Land each stream; the rows that came, and how many streams were read or had nothing new."""
    rows = read = 0
    for stream in streams:
        with refused.apart(stream):
            fingerprint = known.of(night.connector, stream)
            if fingerprint and stream in night.before and known.is_landed(stream, fingerprint):
                read += 1
                known.unchanged.add(stream)
                continue
            landed = night.read(stream, refused)
            known.note(stream, fingerprint)
            rows, read = rows + landed, read + 1
            if landed:
                log.info("event=landed", extra={"people": f"extract {night.source_id}  {stream}: {landed:,} rows"})
    return rows, read


@dataclass(frozen=True)
class _Night:
    """One extraction of one source."""

    connector: Connector
    zone: LandingZone
    before: LandedBefore
    lookback: timedelta
    run_id: str

    @property
    def source_id(self) -> str:
        return self.connector.source_id

    def read(self, stream: str, refused: Refusals) -> int:
        """Land what is new of a stream; its rows. A schema that proves wrong while reading is asked for again."""
        for attempt in range(MOST_SCHEMAS):
            try:
                return self._read_as(self.connector.schema(stream), refused)
            except SchemaChanged as change:
                if attempt == MOST_SCHEMAS - 1:
                    raise
                log.warning("event=schema_changed source=%s stream=%s why=%r", self.source_id, stream, change.why)
        raise AssertionError("unreachable")

    def _read_as(self, schema: StreamSchema, refused: Refusals) -> int:
        stream, calls_before = schema.stream, self.connector.api_calls
        gained = self.before.gained(schema)
        refused.note_lacking(stream, gained)
        if gained:
            log.info(
                "event=backfill source=%s stream=%s gained=%s", self.source_id, stream, ",".join(gained),
                extra={"people": f"extract {self.source_id}  {stream} is read whole: new are {', '.join(gained)}"},
            )  # fmt: skip
        writer = self._landed(schema, self.before.window(schema, self.connector.end(schema), self.lookback, gained))
        count = self.connector.count(schema)
        lacking = self.before.still_lacking(writer, gained)
        manifests = writer.commit(count, self.connector.api_calls - calls_before, lacking)
        refused.note_lacking(stream, lacking)
        refused.note_read_whole(stream, tuple(name for name in gained if name not in lacking))
        rows = manifests[-1].rows
        log.info("event=extract source=%s stream=%s rows=%d", self.source_id, stream, rows)
        return rows

    def _landed(self, schema: StreamSchema, window: Window) -> StreamWriter:
        """A writer that holds the whole read. An unfinished run whose next page is refused is given up once."""
        writer = self.zone.begin(schema, self.source_id, self.run_id, window)
        is_resumed, start = writer.is_resumed, writer.checkpoint
        try:
            with classified(self.connector):
                writer.write_all(self.connector.read(schema, writer.window, writer.checkpoint))
        except SourceFailure as failure:
            is_stuck = is_resumed and writer.checkpoint == start and not isinstance(failure, SchemaChanged)
            if not (failure.is_refusal and is_stuck):
                raise
            self.zone.discard(schema, self.source_id)
            writer = self.zone.begin(schema, self.source_id, self.run_id, window)
            writer.write_all(self.connector.read(schema, writer.window, None))
        return writer


def _noted_findings(zone: LandingZone, source_id: str) -> list[Finding]:
    """What the extraction before told of the source: it still holds of streams that did not change."""
    path = zone.root / source_id / FINDINGS
    if not path.exists():
        return []
    return [Finding(**finding) for finding in json.loads(path.read_text(encoding="utf-8"))["findings"]]


def _distinct(findings: Iterable[Finding]) -> list[Finding]:
    """The last of those about the same thing."""
    return list({(f.rule_id, f.object, f.field): f for f in findings}.values())


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
