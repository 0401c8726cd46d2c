"""A million opportunities of forty fields: extract, land and load, beside DuckDB's own read_csv and beside dlt.

Everything is a ratio within one run on one machine. The simulated org runs in a process of its own and has answered
the same query once before, so that its rendering is not measured (an org's servers are not ours); its TLS and the
bytes on the wire are. Baseline: `read_csv` of the same bytes from local disk, with explicit types, into a new file
database. dlt is measured when `make foreign` has installed it.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

DLT = Path(".venv-foreign/dlt/bin/python")
SPEED, DLT_MERGE, DLT_APPEND, MEMORY_MB, FLAT = 0.6, 50.0, 15.0, 600.0, 1.5
REQUESTS, SECONDS = 10, 2.0


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 1 when a figure misses its goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dlt-rows", type=int, default=20_000)
    parser.add_argument("--dlt-python", type=Path, default=DLT)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="crmlift-bench-") as name:
        folder = Path(name)
        with _org(given.rows, folder) as (server, about):
            lines = list(_ours(given.rows, folder, server, about))
            if given.dlt_python.exists():
                lines += _dlt(given.dlt_python, given.dlt_rows, folder, about, lines)
            else:
                print("dlt is not installed here: make foreign", file=sys.stderr)
    for what, figure, goal, holds in lines:
        print(f"{what:58s} {figure:>14s}   {goal:16s} {'' if holds is None else 'ok' if holds else 'MISSED'}")
    return int(any(holds is False for *_, holds in lines))


Line = tuple[str, str, str, bool | None]


@contextmanager
def _org(rows: int, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    ready = folder / "ready.json"
    server = subprocess.Popen([sys.executable, "-m", "benchmarks.salesforce_work", "serve", str(rows), str(ready)])
    try:
        while not ready.exists():
            assert server.poll() is None, "the simulator did not start"
            time.sleep(0.2)
        yield server, json.loads(ready.read_text())
    finally:
        server.terminate()
        server.wait()


def _work(what: str, folder: Path, about: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """One measured piece of work in a process of its own, so that its memory is its own."""
    given = json.dumps({**about, "folder": str(folder), **more})
    program = [sys.executable, "-m", "benchmarks.salesforce_work", what, given]
    done = subprocess.run(program, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _ours(rows: int, folder: Path, server: subprocess.Popen[bytes], about: Mapping[str, Any]) -> Iterator[Line]:
    small = _work("load", folder / "small", about, stream="Tenth__c")
    _work("read", folder / "warm", about, stream="Opportunity")
    ours = _work("load", folder / "ours", about, stream="Opportunity")
    base = _work("baseline", folder / "ours", about, stream="Opportunity")
    yield "read_csv into a file, rows/s", f"{rows / base['seconds']:,.0f}", "", None
    yield "extract + land + load, rows/s", f"{rows / ours['seconds']:,.0f}", "", None
    yield "    of it extract and land, seconds", f"{ours['extract_seconds']:.1f}", "", None
    yield "    of it load, seconds", f"{ours['seconds'] - ours['extract_seconds']:.1f}", "", None
    ratio = base["seconds"] / ours["seconds"]
    yield "speed beside read_csv, by the clock", f"{ratio:.0%}", f">= {SPEED:.0%}", ratio >= SPEED
    yield "speed beside read_csv, by CPU time", f"{base['cpu_seconds'] / ours['cpu_seconds']:.0%}", "", None
    memory = ours["memory_mb"]
    yield "peak memory, MB", f"{memory:,.0f}", f"<= {MEMORY_MB:.0f}", memory <= MEMORY_MB
    growth = memory / small["memory_mb"]
    yield "    beside a tenth of the rows", f"{growth:.2f} x", f"<= {FLAT} x", growth <= FLAT
    server.send_signal(signal.SIGUSR1)  # a hundred records change, an hour goes by
    step = _work("increment", folder / "ours", about, stream="Opportunity")
    assert step["changed"] == 100, step
    yield "increment of 100 changes, requests", str(step["requests"]), f"<= {REQUESTS}", step["requests"] <= REQUESTS
    yield "increment of 100 changes, seconds", f"{step['seconds']:.2f}", f"<= {SECONDS}", step["seconds"] <= SECONDS


def _dlt(python: Path, rows: int, folder: Path, about: Mapping[str, Any], ours: list[Line]) -> list[Line]:
    speed = float(
        next(figure for what, figure, *_ in ours if what.startswith("extract + land + load")).replace(",", "")
    )
    lines: list[Line] = []
    for way, goal in (("merge", DLT_MERGE), ("append", DLT_APPEND)):
        place = folder / f"dlt-{way}"
        place.mkdir()
        given = json.dumps({**about, "folder": str(place), "rows": rows, "way": way})
        script = Path(__file__).with_name("salesforce_dlt.py")
        environment = {**os.environ, "RUNTIME__DLTHUB_TELEMETRY": "false", "DLT_DATA_DIR": str(place)}
        done = subprocess.run(
            [str(python), str(script), given], stdout=subprocess.PIPE, check=True, env=environment, cwd=place
        )
        found = json.loads(done.stdout.splitlines()[-1])["rows"] / json.loads(done.stdout.splitlines()[-1])["seconds"]
        lines.append((f"dlt, {way}, rows/s", f"{found:,.0f}", "", None))
        lines.append(
            (f"our speed beside dlt's {way}", f"{speed / found:.1f} x", f">= {goal:.0f} x", speed / found >= goal)
        )
    return lines


if __name__ == "__main__":
    sys.exit(main())
