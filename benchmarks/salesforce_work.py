"""The pieces of the Salesforce benchmark, each run in a process of its own: the org, a load, the baseline."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import zstandard

from benchmarks.salesforce_org import AS_OF, org
from connectors.contract import PageKind, Window
from connectors.landing import LandingZone, read_manifest
from connectors.salesforce.connector import SalesforceConnector, open_salesforce
from crmlift.simulator.company import SimTable
from crmlift.simulator.options import SF_CLIENT_ID, SF_CLIENT_SECRET
from crmlift.simulator.server import ServerInfo, running_simulator
from crmlift.warehouse.load import load_landed
from crmlift.warehouse.store import work_database
from crmlift.warehouse.typing import DATABASE_TYPE

CHANGES, LATER = 100, timedelta(hours=1)


def serve(rows: int, ready: Path) -> None:
    """The org until it is terminated; SIGUSR1 changes a hundred records and lets an hour go by."""
    company = org(rows)
    large = company.salesforce["Opportunity"]
    company.salesforce["Tenth__c"] = SimTable("Tenth__c", large.fields, large.rows[: rows // 10], key_prefix="a00")
    with running_simulator(company) as server:
        signal.signal(signal.SIGUSR1, lambda *_: _change(server))
        told = {"url": server.base_url, "ca_file": str(server.ca_file)}
        fresh = ready.with_suffix(".new")
        fresh.write_text(json.dumps(told))
        fresh.replace(ready)
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
        while True:
            signal.pause()


def _change(server: ServerInfo) -> None:
    company = server.served.company
    rows = company.salesforce["Opportunity"].rows
    for row in rows[:: len(rows) // CHANGES][:CHANGES]:
        row["Amount"], row["SystemModstamp"] = 1.0, AS_OF + LATER / 2
    company.as_of = AS_OF + LATER
    server.served.set_company(company)


def _connector(given: dict[str, Any]) -> SalesforceConnector:
    settings = {"type": "salesforce", "instance_url": given["url"], "ca_bundle": given["ca_file"]}
    opened = open_salesforce("sf", settings, {"client_id": SF_CLIENT_ID, "client_secret": SF_CLIENT_SECRET})
    assert isinstance(opened, SalesforceConnector)
    return opened


def _extract(connector: SalesforceConnector, folder: Path, stream: str, since: datetime | None) -> None:
    schema = connector.schema(stream)
    window = Window(since, connector.clock())
    writer = LandingZone(folder / "landing").begin(schema, "sf", "night" if since else "first", window)
    writer.write_all(connector.read(schema, writer.window, writer.checkpoint))
    writer.commit(connector.count(schema), connector.api_calls)


def read(given: dict[str, Any]) -> dict[str, Any]:
    """Extract and land once, so that the org has the answer ready."""
    folder = Path(given["folder"])
    _extract(_connector(given), folder, given["stream"], None)
    shutil.rmtree(folder)
    return {}


def load(given: dict[str, Any], since: datetime | None = None) -> dict[str, Any]:
    """Extract, land and load. What is imported and opened once a night is not measured, nor is the log-in."""
    folder, connector = Path(given["folder"]), _connector(given)
    connector.check()
    with work_database(folder / "warehouse.duckdb") as connection:
        connection.execute("select ?", [1]).fetchone()  # the first bound value imports what binding needs
        used, requests, started = os.times(), connector.api_calls, time.perf_counter()
        _extract(connector, folder, given["stream"], since)
        landed = time.perf_counter()
        (result,) = load_landed(connection, LandingZone(folder / "landing").manifests("sf"), run_id="bench")
        connection.execute("checkpoint")
        ended, now = time.perf_counter(), os.times()
        (reconciled,) = connection.execute("select bool_and(is_reconciled) from ops.load").fetchone() or (None,)
    assert reconciled and not result.rows_rejected, result
    return {
        "seconds": ended - started,
        "extract_seconds": landed - started,
        "cpu_seconds": now.user + now.system - used.user - used.system,
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "requests": connector.api_calls - requests,
        "changed": result.rows_updated,
    }


def increment(given: dict[str, Any]) -> dict[str, Any]:
    """The night after: what changed since the first load, less the default lookback."""
    return load(given, AS_OF - timedelta(minutes=10))


def baseline(given: dict[str, Any]) -> dict[str, Any]:
    """The same bytes from one plain file, by read_csv with explicit types."""
    folder = Path(given["folder"])
    (path,) = LandingZone(folder / "landing").manifests("sf")
    manifest, plain = read_manifest(path), folder / "plain.csv"
    with plain.open("wb") as out:
        for number, part in enumerate(p for p in manifest.parts if p.kind is PageKind.UPSERT):
            with (path.parent / part.file).open("rb") as packed:
                reader = zstandard.ZstdDecompressor().stream_reader(packed)
                head, _, rest = reader.read(1 << 20).partition(b"\n")
                out.write(rest if number else head + b"\n" + rest)
                shutil.copyfileobj(reader, out, 1 << 20)
    columns = ", ".join(f"'{f.name}': '{DATABASE_TYPE[f.type]}'" for f in manifest.schema.fields)
    connection = duckdb.connect(str(folder / "baseline.duckdb"))
    connection.execute("set TimeZone = 'UTC'")
    used, started = os.times(), time.perf_counter()
    connection.execute(
        f"create table t as from read_csv('{plain}', columns = {{{columns}}}, header = true, delim = ',', "
        "quote = '\"', escape = '\"', auto_detect = false)"
    )
    connection.execute("checkpoint")
    seconds, now = time.perf_counter() - started, os.times()
    connection.close()
    plain.unlink()
    return {"seconds": seconds, "cpu_seconds": now.user + now.system - used.user - used.system}


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    if what == "serve":
        serve(int(arguments[0]), Path(arguments[1]))
    work = {"read": read, "load": load, "increment": increment, "baseline": baseline}[what]
    request = json.loads(arguments[0])
    Path(request["folder"]).mkdir(parents=True, exist_ok=True)
    print(json.dumps(work(request)))
