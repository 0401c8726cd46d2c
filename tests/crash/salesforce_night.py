"""A night cut down to extract and load, run as a process that a test kills: `python -m tests.crash.salesforce_night`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from connectors.contract import Window
from connectors.landing import LandingZone
from connectors.salesforce.connector import open_salesforce
from crmlift.warehouse.load import load_landed
from crmlift.warehouse.store import work_database

STREAMS = ("User", "Account", "Opportunity")


def main() -> None:
    """Land what has not landed yet, then load what has not been loaded."""
    settings, secrets, home = (json.loads(argument) for argument in sys.argv[1:])
    connector = open_salesforce("sf", settings, secrets)
    zone = LandingZone(Path(home) / "landing")
    landed = {path.parent.parent.name for path in zone.manifests("sf")}
    for stream in STREAMS:
        if stream in landed:
            continue
        schema = connector.schema(stream)
        writer = zone.begin(schema, "sf", "night", Window(None, connector.clock()))
        writer.write_all(connector.read(schema, writer.window, writer.checkpoint), parallel=2)
        writer.commit(connector.count(schema), connector.api_calls)
    with work_database(Path(home) / "warehouse.duckdb") as connection:
        load_landed(connection, zone.manifests("sf"), run_id="night")


if __name__ == "__main__":
    main()
