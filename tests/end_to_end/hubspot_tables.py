"""The raw tables that reading a simulated HubSpot leaves, to compare one way of reading with another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from connectors.contract import Window
from connectors.hubspot.connector import HubspotConnector
from connectors.landing import LandingZone
from crmlift.warehouse.load import load_landed
from crmlift.warehouse.store import work_database

Tables = dict[str, list[tuple[Any, ...]]]
TOLD_ANEW = "_extracted_at, _run_id"


def extract(connector: HubspotConnector, home: Path, run_id: str, window: Window) -> None:
    """Land and load every stream, reference objects too."""
    zone = LandingZone(home / "landing", pause=lambda _: None)
    for stream in connector.streams():
        schema = connector.schema(stream)
        writer = zone.begin(schema, "hs", run_id, window)
        writer.write_all(connector.read(schema, writer.window, writer.checkpoint))
        writer.commit(connector.count(schema))
    with work_database(home / "warehouse.duckdb") as connection:
        load_landed(connection, zone.manifests(), run_id=run_id)


def tables(home: Path) -> Tables:
    """Every row of every raw table, sorted, without what names the run."""
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        names = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'raw_hubspot' order by 1"
        ).fetchall()
        return {
            name: connection.execute(
                f'select * exclude ({TOLD_ANEW}) from raw_hubspot."{name}" order by all'
            ).fetchall()
            for (name,) in names
        }  # fmt: skip


def rejected(home: Path) -> int:
    """Rows that could not be typed."""
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        return int(connection.execute("select count(*) from ops.rejected_row").fetchall()[0][0])
