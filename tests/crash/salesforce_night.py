"""A night cut down to extract and load, run in a process that a test kills."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connectors.contract import Window
from connectors.landing import LandingZone
from connectors.salesforce.connector import open_salesforce
from crmlift.warehouse.load import load_landed
from crmlift.warehouse.store import work_database

STREAMS = ("User", "Account", "Opportunity")


def night(settings: Mapping[str, Any], secrets: Mapping[str, str], home: Path) -> None:
    """Land what has not landed yet, then load what has not been loaded."""
    connector = open_salesforce("sf", settings, secrets)
    zone = LandingZone(home / "landing")
    landed = {path.parent.parent.name for path in zone.manifests("sf")}
    for stream in STREAMS:
        if stream in landed:
            continue
        schema = connector.schema(stream)
        writer = zone.begin(schema, "sf", "night", Window(None, connector.clock()))
        writer.write_all(connector.read(schema, writer.window, writer.checkpoint), parallel=2)
        writer.commit(connector.count(schema), connector.api_calls)
    with work_database(home / "warehouse.duckdb") as connection:
        load_landed(connection, zone.manifests("sf"), run_id="night")
