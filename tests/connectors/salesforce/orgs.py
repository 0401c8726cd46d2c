"""Simulated orgs to read, and what a faultless reading of them holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from connectors.contract import FieldType, PageKind, StreamSchema, Window
from connectors.landing import LandingZone, Manifest
from connectors.salesforce.connector import SalesforceConnector
from connectors.salesforce.settings import SalesforceSettings
from crmlift.simulator.company import SimTable
from crmlift.simulator.options import SF_CLIENT_ID, SF_CLIENT_SECRET
from crmlift.simulator.server import ServerInfo
from tests.connectors.landed import rows_of

SECRETS = {"client_id": SF_CLIENT_ID, "client_secret": SF_CLIENT_SECRET}


def connect(server: ServerInfo, secrets: Mapping[str, str] = SECRETS, **settings: Any) -> SalesforceConnector:
    """A connector that waits for nothing."""
    given = {"type": "salesforce", "instance_url": server.base_url, "ca_bundle": str(server.ca_file), **settings}
    return SalesforceConnector(SalesforceSettings.of("sf", given, secrets), secrets, sleep=lambda seconds: None)


def zone_at(root: Path) -> LandingZone:
    """A landing zone that waits for nothing."""
    return LandingZone(root, pause=lambda seconds: None)


def extract(connector: SalesforceConnector, zone: LandingZone, stream: str, since: datetime | None = None) -> Manifest:
    """Land one stream from `since` to the org's now, going on with an unfinished run."""
    schema = connector.schema(stream)
    writer = zone.begin(schema, "sf", f"run-{len(zone.manifests())}", Window(since, connector.clock()))
    writer.write_all(connector.read(schema, writer.window, writer.checkpoint))
    return writer.commit(connector.count(schema), connector.api_calls)[-1]


def folder_of(zone: LandingZone, manifest: Manifest) -> Path:
    """Where a run's parts lie."""
    return zone.root / "sf" / manifest.stream / manifest.run_id


class Replica:
    """The rows a warehouse would hold after loading manifests one after the other, by Id."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.gone: set[str] = set()

    def load(self, zone: LandingZone, manifest: Manifest) -> None:
        keys: set[str] | None = None
        for part in manifest.parts:
            rows = rows_of(folder_of(zone, manifest), _only(manifest, part.file))
            ids = {row["Id"] for row in rows}
            if part.kind is PageKind.UPSERT:
                self.rows |= {row["Id"]: typed(row, manifest.schema) for row in rows}
                self.gone -= ids
            elif part.kind is PageKind.DELETE:
                self.gone |= ids & set(self.rows)
            else:
                keys = (keys or set()) | ids
        if keys is not None:
            self.gone |= set(self.rows) - keys


def _only(manifest: Manifest, file: str) -> Manifest:
    return Manifest(**{**manifest.__dict__, "parts": tuple(part for part in manifest.parts if part.file == file)})


def typed(row: Mapping[str, Any], schema: StreamSchema) -> dict[str, Any]:
    """A landed row by the schema's types; nothing and "" are both NULL."""
    return {field.name: _value(row[field.name], field.type) for field in schema.fields}


def _value(value: Any, kind: FieldType) -> Any:
    if value in (None, ""):
        return None
    if kind is FieldType.BOOLEAN:
        return value in (True, "true")
    if kind in (FieldType.DECIMAL, FieldType.NUMBER, FieldType.INTEGER):
        return round(float(value), 4)
    if kind is FieldType.TIMESTAMP:
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if kind is FieldType.DATE else value


def truth(table: SimTable, schema: StreamSchema) -> dict[str, dict[str, Any]]:
    """The rows of a simulated table as `typed` would give them, by Id; NUL bytes cannot be kept."""
    return {
        str(row["Id"]): {field.name: _expected(row.get(field.name), field.type) for field in schema.fields}
        for row in table.rows
    }


def _expected(value: Any, kind: FieldType) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "") or None
    if isinstance(value, datetime):
        at = value.astimezone(UTC)
        return at.replace(microsecond=at.microsecond // 1000 * 1000)
    if kind in (FieldType.DECIMAL, FieldType.NUMBER, FieldType.INTEGER) and value is not None:
        return round(float(value), 4)
    return value
