"""Nights over records as a CRM gives them: landed, loaded, and made into core, without a connector.

A record is a mapping of native names to JSON values; the stream's types are those that staging declares for its columns.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from connectors.contract import Field, FieldType, Page, PageFormat, StreamSchema, Window
from connectors.landing import LandingZone
from crmlift import sql_runner
from crmlift.measure import measure
from crmlift.places import KPIS, MODELS
from crmlift.quality import check_quality
from crmlift.raw_reading import read_raw
from crmlift.registry import load_registry
from crmlift.sql_models import CORE
from crmlift.warehouse.core_columns import core_columns
from crmlift.warehouse.load import load_landed
from crmlift.warehouse.store import work_database

AS_OF = datetime(2026, 11, 2, tzinfo=UTC)
SOURCES = {"salesforce": "sf", "hubspot": "hs"}
_TYPES = {
    "boolean": FieldType.BOOLEAN, "bigint": FieldType.INTEGER, "double": FieldType.NUMBER, "date": FieldType.DATE,
    "decimal(18,4)": FieldType.DECIMAL, "timestamptz": FieldType.TIMESTAMP, "json": FieldType.JSON,
}  # fmt: skip
Record = Mapping[str, Any]


@dataclass
class RawNight:
    """A landing zone and the work database beside it; each `land` is one more run of its stream."""

    folder: Path
    connection: duckdb.DuckDBPyConnection
    runs: dict[str, int] = field(default_factory=dict)

    def land(
        self, system: str, table: str, records: Sequence[Record], types: Mapping[str, FieldType] | None = None
    ) -> None:
        """Land records of one object and load them."""
        declared = core_columns(f"raw_{system}", table).kinds
        names = dict.fromkeys(name for record in records for name in record)
        kinds = {n: (types or {}).get(n) or _TYPES.get(declared.get(n.lower(), ""), FieldType.TEXT) for n in names}
        key = "Id" if "Id" in names else "id"
        schema = StreamSchema(table, system, table, tuple(Field(name, kind) for name, kind in kinds.items()), (key,))
        run = self.runs[table] = self.runs.get(table, 0) + 1
        window = Window(None if run == 1 else AS_OF, AS_OF)
        writer = LandingZone(self.folder / "landing").begin(schema, SOURCES[system], f"r{run}", window)
        body = "".join(json.dumps(record) + "\n" for record in records).encode()
        writer.write_all([Page(table, PageFormat.JSONL, [body])])
        writer.commit()
        load_landed(self.connection, LandingZone(self.folder / "landing").manifests(), run_id="r")

    def transform(self, as_of: datetime = AS_OF) -> None:
        """Staging and core as of then."""
        models = [m for m in sql_runner.load_models(MODELS) if m.layer <= CORE]
        readings = read_raw(self.connection, models, as_of=as_of)
        sql_runner.prepare_raw(self.connection, models, "r")
        bound = {"as_of": as_of, "timezone": "UTC", "base_currency": "EUR", "salt": "pepper"}
        built = sql_runner.build_models(self.connection, models, bound, sources=readings.sources)
        sql_runner.place_models(self.connection, built, "r", as_of)

    def measure(self, *kpi_ids: str, as_of: datetime = AS_OF) -> None:
        """These KPIs, or all that need nothing else."""
        wanted = [kpi for kpi in load_registry(KPIS, {}) if not kpi_ids or kpi.kpi_id in kpi_ids]
        measure(self.connection, wanted, as_of=as_of, timezone="UTC", run_id="r")

    def findings(self, as_of: datetime = AS_OF) -> list[tuple[Any, ...]]:
        """Open findings by rule, object and field, with how many rows they are of."""
        check_quality(self.connection, as_of=as_of, run_id="r", kpis=load_registry(KPIS, {}))
        return self.rows(
            "select rule_id, object, field, failing_rows from ops.data_quality_finding "
            "where state = 'open' and rule_id not in ('missing_field', 'missing_object') order by all"
        )

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a query gives."""
        return self.connection.execute(sql).fetchall()


@contextmanager
def raw_night(folder: Path) -> Iterator[RawNight]:
    """An empty warehouse in a folder."""
    with work_database(folder / "warehouse.duckdb") as connection:
        connection.execute("insert into config.setting values ('timezone', 'UTC')")
        yield RawNight(folder, connection)


def sf_deal(number: int, **more: Any) -> Record:
    """A won Salesforce opportunity of a thousand."""
    return {
        "Id": f"0065g00000Deal{number:04d}", "Name": f"Deal {number}", "StageName": "Closed Won", "Amount": "1000",
        "CloseDate": "2026-05-15", "OwnerId": "0055g00000Selle1AA", "AccountId": "0015g00000Firm01AA",
        "CreatedDate": "2026-04-01T10:00:00Z", "IsClosed": True, "IsWon": True, "IsDeleted": False, **more,
    }  # fmt: skip
