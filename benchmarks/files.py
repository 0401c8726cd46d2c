"""A baseline of two million rows in one CSV file: looked at, landed and loaded, beside DuckDB's own read_csv.

A ratio within one run on one machine. Baseline: `create table … as select * from read_csv(file)` into a new file
database, types detected by DuckDB. Ours: hash, check of every row's shape, landing (compressed, synced), load with
types, key, row hash and ledger in one transaction. Each runs in a process of its own, after the file was read once.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

SPEED = 0.6
COLUMNS = {
    "id": "deal_id", "status": "stage", "owner": "owner", "team": "branch", "account": "account", "amount": "amount",
    "currency": "currency", "created_at": "created", "closed_at": "closed", "lead_source": "source",
}  # fmt: skip
HEADER = "deal_id,stage,owner,branch,account,amount,currency,created,closed,source\n"


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 1 when the ratio misses its goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.work:
        what, folder = given.work
        print(json.dumps({"baseline": _baseline, "ours": _ours}[what](Path(folder))))
        return 0
    with tempfile.TemporaryDirectory(prefix="crmlift-bench-") as name:
        folder = Path(name)
        write_deals(folder / "deals.csv", given.rows)
        (folder / "deals.csv").read_bytes()
        base, ours = _work("baseline", folder), _work("ours", folder)
        assert base["rows"] == ours["rows"] == given.rows, (base, ours)
        ratio = base["seconds"] / ours["seconds"]
        megabytes = (folder / "deals.csv").stat().st_size / 1e6
        print(f"{given.rows:,} rows, {megabytes:,.0f} MB")
        print(f"{'read_csv into a file, seconds':45s} {base['seconds']:8.2f}")
        print(f"{'extract, land and load, seconds':45s} {ours['seconds']:8.2f}")
        print(f"{'    of it look and land':45s} {ours['extract_seconds']:8.2f}")
        print(f"{'    of it load':45s} {ours['seconds'] - ours['extract_seconds']:8.2f}")
        print(f"{'speed beside read_csv, by the clock':45s} {ratio:8.0%}   >= {SPEED:.0%} {_told(ratio)}")
        print(f"{'speed beside read_csv, by CPU time':45s} {base['cpu_seconds'] / ours['cpu_seconds']:8.0%}")
    return int(ratio < SPEED)


def _told(ratio: float) -> str:
    return "ok" if ratio >= SPEED else "MISSED"


def write_deals(path: Path, rows: int) -> None:
    """Deals of an old system, as its export writes them."""
    rng = np.random.default_rng(1)
    days = np.datetime64("2021-01-04") + rng.integers(0, 1400, rows)
    ends = days + rng.integers(5, 120, rows)
    stages = np.array(["Won", "Lost", "Open"])[rng.choice(3, rows, p=[0.45, 0.4, 0.15])]
    amounts, owners = rng.lognormal(8, 1, rows), rng.integers(0, 400, rows)
    accounts = rng.integers(0, 90_000, rows)
    sources = np.array(["Web", "Partner", "Phone", "Trade show", "Referral"])[rng.integers(0, 5, rows)]
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADER)
        for k in range(rows):
            end = "" if stages[k] == "Open" else ends[k]
            file.write(
                f"D{k:08d},{stages[k]},seller{owners[k]:03d},Branch {owners[k] % 24},A{accounts[k]:06d},"
                f"{amounts[k]:.2f},EUR,{days[k]},{end},{sources[k]}\n"
            )


def _work(what: str, folder: Path) -> dict[str, Any]:
    program = [sys.executable, "-m", "benchmarks.files", "--work", what, str(folder)]
    done = subprocess.run(program, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _baseline(folder: Path) -> dict[str, Any]:
    import duckdb

    began, cpu = time.perf_counter(), time.process_time()
    with duckdb.connect(str(folder / "baseline.duckdb")) as connection:
        connection.execute(f"create table deals as select * from read_csv('{folder / 'deals.csv'}')")
        found = connection.execute("select count(*) from deals").fetchone()
    return {
        "seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu,
        "rows": found[0] if found else 0,
    }  # fmt: skip


def _ours(folder: Path) -> dict[str, Any]:
    import duckdb

    from connectors.landing import LandingZone
    from crmlift.extract import extract_source
    from crmlift.settings import Places, Settings
    from crmlift.settings_file import Loaded
    from crmlift.warehouse.load import load_landed
    from crmlift.warehouse.store import work_database

    deals = {"path": "deals.csv", "entity": "opportunity", "columns": COLUMNS}
    given = {"sources": {"old": {"type": "files", "path": str(folder), "files": {"deals": deals}}}}
    loaded = Loaded(Settings.model_validate(given), folder / "crmlift.yml", given, Places(folder / "home"))
    with duckdb.connect() as connection:
        connection.execute("select ?", [1])  # DuckDB imports pandas at its first bound value: start-up, as all imports
    began, cpu = time.perf_counter(), time.process_time()
    extract_source(loaded, "old", run_id="bench")
    extracted = time.perf_counter()
    with work_database(loaded.places.warehouse) as connection:
        (result,) = load_landed(connection, LandingZone(loaded.places.landing).manifests(), run_id="bench")
    assert result.rows_rejected == 0, result
    return {
        "seconds": time.perf_counter() - began, "extract_seconds": extracted - began, "rows": result.rows_inserted,
        "cpu_seconds": time.process_time() - cpu,
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
