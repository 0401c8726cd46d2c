"""HubSpot's backfill against the least its limits allow: `python -m benchmarks.hubspot [--records N]`.

A simulated portal in a process of its own, tier professional, 150 ms from every request to its answer, deals with 60
properties. Ours reads, lands and loads them; the least is what 190 requests in any ten seconds and 100 records a page
leave possible. dlt's HubSpot source (as ingestr ships it, `make foreign` installs it) does the same job beside
it over fewer records. Then the path without a network: landed pages to a typed table, against `read_json` with the same
columns over the same bytes.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import duckdb

from connectors.contract import Window
from connectors.hubspot.connector import open_hubspot
from connectors.landing import LandingZone, read_manifest
from crmlift.simulator.company import Company, SimField, SimTable
from crmlift.simulator.detour import detour
from crmlift.simulator.hubspot.rate_limits import TIERS, WINDOW_S
from crmlift.simulator.options import HS_SERVICE_KEY, ServerOptions
from crmlift.simulator.server import running_simulator
from crmlift.warehouse.load import load_landed
from crmlift.warehouse.store import work_database

AS_OF = datetime(2026, 11, 2, tzinfo=UTC)
LATENCY_S, TIER, PAGE, PROPERTIES = 0.15, "professional", 100, 60
CLIENTS = Path(os.environ.get("CRMLIFT_FOREIGN", ".venv-foreign"))
TRUST = "import os, certifi\ncertifi.where = certifi.core.where = lambda: os.environ['SSL_CERT_FILE']\n"
DLT = """
import sys, time, dlt
from ingestr.src.hubspot import hubspot
folder, key = sys.argv[1:]
place = dlt.destinations.duckdb(folder + "/dlt.duckdb")
pipeline = dlt.pipeline("bench", pipelines_dir=folder, destination=place, dataset_name="d")
began = time.perf_counter()
pipeline.run(hubspot(api_key=key).with_resources("deals"))
print(time.perf_counter() - began)
"""


def company(records: int) -> Company:
    """Deals with 60 properties of every type, a third of the numbers empty."""
    kinds = ("string", "number", "datetime", "bool", "enumeration")
    fixed = [SimField("hs_object_id", "number"), SimField("hs_lastmodifieddate", "datetime")]
    free = [SimField(f"p{n:02d}", kinds[n % len(kinds)]) for n in range(PROPERTIES - len(fixed))]
    rows = [_row(n, free) for n in range(records)]
    return Company("bench", 1, AS_OF, hubspot={"deals": SimTable("deals", [*fixed, *free], rows)})


def _row(n: int, free: list[SimField]) -> dict[str, Any]:
    at, number = AS_OF - timedelta(minutes=n % 500_000 + 1), 9_000_000_000 + 7 * n
    values = {
        "string": f"Deal number {n}", "number": n * 1.5 if n % 3 else None, "datetime": at, "bool": n % 2 == 0,
        "enumeration": str(n % 7),
    }  # fmt: skip
    row = {"id": str(number), "createdAt": at, "updatedAt": at, "archived": False, "archivedAt": None,
           "hs_object_id": number, "hs_lastmodifieddate": at}  # fmt: skip
    return row | {field.name: values[field.type] for field in free}


def _serve(records: int, folder: str, pipe: Connection) -> None:
    """Body of the portal's process: tell where it is, then for each question the requests served and refused."""
    options = ServerOptions(rate_limits=TIER, latency_s=LATENCY_S)
    with running_simulator(company(records), options, folder=Path(folder), names=("api.hubapi.com",)) as server:
        pipe.send((server.base_url, str(server.ca_file), server.port))
        limiter = server.app.state.hubspot.limiter
        while pipe.recv() == "count":
            pipe.send((limiter.used_today, limiter.refused))


@contextmanager
def portal(records: int, folder: Path) -> Iterator[tuple[str, str, int, Callable[[], tuple[int, int]]]]:
    """A served portal: address, certificate, port, and how to ask for requests served and refused."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(records, str(folder), theirs), daemon=True)
    process.start()
    address, ca_file, port = ours.recv()

    def counts() -> tuple[int, int]:
        ours.send("count")
        served, refused = ours.recv()
        return served, refused

    try:
        yield address, ca_file, port, counts
    finally:
        ours.send("end")
        process.join(10)


def backfill(address: str, ca_file: str, home: Path) -> tuple[float, int]:
    """Read and land every deal: seconds, and requests sent."""
    settings = {"base_url": address, "ca_bundle": ca_file, "history_properties": {"deals": []},
                "associations": {"deals": []}, "property_exclude": []}  # fmt: skip
    connector = open_hubspot("hs", settings, {"access_token": HS_SERVICE_KEY})
    began = time.perf_counter()
    schema = connector.schema("deals")
    writer = LandingZone(home / "landing").begin(schema, "hs", "bench", Window(None, AS_OF))
    writer.write_all(connector.read(schema, writer.window, writer.checkpoint))
    writer.commit()
    seconds = time.perf_counter() - began
    connector.close()
    return seconds, connector.api_calls


def load(home: Path) -> tuple[float, int]:
    """Landed pages into a typed table: seconds, and rows. What is imported once a night is not measured."""
    with work_database(home / "warehouse.duckdb") as connection:
        connection.execute("set threads = 2")
        connection.execute("select ?", [1]).fetchone()  # the first bound value imports what binding needs
        began = time.perf_counter()
        load_landed(connection, LandingZone(home / "landing").manifests(), run_id="bench")
        seconds = time.perf_counter() - began
        return seconds, int(connection.execute("select count(*) from raw_hubspot.deals").fetchall()[0][0])


def plain_read_json(home: Path) -> float:
    """The same bytes through `read_json` with explicit columns into a table of the same types: seconds."""
    (manifest,) = LandingZone(home / "landing").manifests()
    types = {"boolean": "BOOLEAN", "number": "DOUBLE", "timestamp": "TIMESTAMPTZ", "decimal": "DECIMAL(18,4)"}
    fields = read_manifest(manifest).schema.fields
    kinds = {field.path[1]: types.get(field.type.value, "VARCHAR") for field in fields if len(field.path) == 2}
    inner = ", ".join(f"{name} VARCHAR" for name in kinds)
    columns = f"{{id: 'VARCHAR', createdAt: 'TIMESTAMPTZ', updatedAt: 'TIMESTAMPTZ', properties: 'STRUCT({inner})'}}"
    typed = ", ".join(f"try_cast(properties.{name} as {kind}) as {name}" for name, kind in kinds.items())
    parts = str(manifest.parent / "*.jsonl.zst")
    with duckdb.connect(str(home / "plain.duckdb")) as connection:
        connection.execute("set threads = 2")
        began = time.perf_counter()
        connection.execute(
            f"create table deals as select id, createdAt, updatedAt, {typed}"
            f" from read_json('{parts}', format = 'newline_delimited', columns = {columns})"
        )
        return time.perf_counter() - began


def dlt(port: int, ca_file: str, folder: Path) -> float | None:
    """dlt's source over the same kind of portal into DuckDB: seconds; None when it is not installed."""
    python = CLIENTS / "ingestr" / "bin" / "python"
    if not python.exists():
        return None
    (folder / "sitecustomize.py").write_text(TRUST)
    kept = {k: v for k, v in os.environ.items() if k.lower() not in {"no_proxy", "http_proxy", "all_proxy"}}
    with detour(port) as proxy:
        found = {"HTTPS_PROXY": proxy, "https_proxy": proxy, "SSL_CERT_FILE": ca_file, "REQUESTS_CA_BUNDLE": ca_file}
        done = subprocess.run(
            [python, "-W", "ignore", "-c", DLT, str(folder), HS_SERVICE_KEY],
            env={**kept, **found, "RUNTIME__DLTHUB_TELEMETRY": "false", "PYTHONPATH": str(folder)},
            check=True, capture_output=True, text=True,
        )  # fmt: skip
    return float(done.stdout.split()[-1])


def least_seconds(calls: int) -> float:
    """The time that many requests need under the tier's rolling window, plus one answer's wait."""
    return (math.ceil(calls / TIERS[TIER].rolling) - 1) * WINDOW_S + LATENCY_S


def ours_against_the_limit(records: int) -> None:
    """The backfill, then the path without a network over the pages it landed."""
    with tempfile.TemporaryDirectory(prefix="crmlift-bench-") as made:
        home = Path(made)
        with portal(records, home) as (address, ca_file, _, counts):
            spent, calls = backfill(address, ca_file, home)
            _, refused = counts()
        least_calls = math.ceil(records / PAGE) + 1  # and one for the properties
        least = least_seconds(least_calls)
        print(f"backfill of {records:,} deals with {PROPERTIES} properties, {TIER}, {LATENCY_S * 1000:.0f} ms")
        print(f"  requests {calls:10,}   least {least_calls:8,}   ratio {calls / least_calls:.3f}   429s {refused}")
        print(f"  seconds  {spent:10.1f}   least {least:8.1f}   ratio {spent / least:.3f}")
        loaded, rows = load(home)
        plain = plain_read_json(home)
        print(f"landed pages to a typed table, {rows:,} rows a second")
        print(f"  ours     {rows / loaded:10,.0f}   read_json {rows / plain:,.0f}   ratio {plain / loaded:.2f}")


def dlt_beside_ours(records: int) -> None:
    """The same job, into DuckDB, by both: one portal, one after the other."""
    with tempfile.TemporaryDirectory(prefix="crmlift-bench-") as made:
        home = Path(made)
        with portal(records, home) as (address, ca_file, port, counts):
            theirs = dlt(port, ca_file, home)
            asked, _ = counts()
            time.sleep(WINDOW_S)  # the portal forgets the requests of the one before the other begins
            ours = backfill(address, ca_file, home)[0] + load(home)[0]
        print(f"the same into DuckDB, {records:,} deals, rows a second")
        print(f"  ours     {records / ours:10,.0f}")
        if theirs is None:
            print("  dlt's source is not installed (make foreign)")
        else:
            print(f"  dlt      {records / theirs:10,.0f}   its requests {asked:,}   ours × {theirs / ours:.1f}")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--dlt-records", type=int, default=10_000)
    given = parser.parse_args()
    ours_against_the_limit(given.records)
    dlt_beside_ours(given.dlt_records)


if __name__ == "__main__":
    main()
