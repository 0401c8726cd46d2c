"""kill -9 at random moments of extract and load: nothing missing, nothing twice, no finished page fetched again."""

from __future__ import annotations

import json
import multiprocessing
import random
import time
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import duckdb
import pytest

from crmlift.simulator.options import SF_CLIENT_ID, SF_CLIENT_SECRET, ServerOptions
from crmlift.simulator.server import ServerInfo, running_simulator
from tests.crash import salesforce_night
from tests.crash.salesforce_night import STREAMS
from tests.crmlift.simulator.small_company import small_company

pytestmark = pytest.mark.slow

MOMENTS = 50
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["pandas", "pyarrow", salesforce_night.__name__])


@pytest.fixture(scope="module")
def server() -> Iterator[ServerInfo]:
    options = ServerOptions(bulk_page_size=200, latency_s=0.01, job_polls=1)
    with running_simulator(small_company(), options) as info:
        yield info


def night(server: ServerInfo, home: Path) -> BaseProcess:
    """A night in a process of its own, begun from one that has everything imported."""
    settings = {"type": "salesforce", "instance_url": server.base_url, "ca_bundle": str(server.ca_file),
                "bulk_threshold_rows": 0}  # fmt: skip
    secrets = {"client_id": SF_CLIENT_ID, "client_secret": SF_CLIENT_SECRET}
    process = PROCESSES.Process(target=salesforce_night.night, args=(settings, secrets, home))
    process.start()
    return process


def ended_well(process: BaseProcess) -> bool:
    process.join()
    return process.exitcode == 0


def tables(home: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows of each table, without what names the attempt."""
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        return {
            name: connection.execute(
                f'select * exclude (_extracted_at, _run_id) from raw_salesforce."{name}" order by "Id"'
            ).fetchall()
            for name in STREAMS
        }


def durable_pages(home: Path) -> int:
    """Pages that count: named by a manifest or a journal."""
    folders = home / "landing"
    named = {
        (p.parent, each["file"]) for p in folders.rglob("manifest.json") for each in json.loads(p.read_text())["parts"]
    }
    for path in folders.rglob("checkpoint.jsonl"):  # may stand beside a manifest, when the kill came between
        steps = [json.loads(step) for step in path.read_bytes().split(b"\n")[1:-1]]
        named |= {(path.parent, part["file"]) for step in steps for _, part in step.get("parts", ())}
    return len(named)


def killed_at(process: BaseProcess, server: ServerInfo, home: Path, draw: random.Random, pages: int) -> int:
    """Kill after a random number of pages (one night in four: during the load), or see it end; 1 if it was killed."""
    served = server.app.state.salesforce_jobs
    wanted, is_load = served.pages_served + draw.randint(0, pages), draw.random() < 0.25
    pause_seconds = draw.random() * (0.6 if is_load else 0.05)
    while process.is_alive():
        is_time = (home / "warehouse.duckdb").exists() if is_load else served.pages_served >= wanted
        time.sleep(pause_seconds if is_time else 0.002)
        if is_time:
            break
    is_alive = process.is_alive()
    process.kill()
    process.join()
    settled(server)
    return int(is_alive)


def settled(server: ServerInfo) -> None:
    """Wait until the server has ended what the killed process had asked for: it counts those pages too."""
    served, seen = server.app.state.salesforce_jobs, -1
    while served.pages_served != seen:
        seen = served.pages_served
        time.sleep(0.2)


def test_killed_nights_end_as_if_nothing_had_happened(server: ServerInfo, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    assert ended_well(night(server, whole))
    expected, pages = tables(whole), durable_pages(whole)
    draw = random.Random(20261123)
    killed = 0
    for moment in range(MOMENTS):
        home = tmp_path / f"night-{moment}"
        killed += killed_at(night(server, home), server, home, draw, pages)
        before = durable_pages(home)
        fetched = server.app.state.salesforce_jobs.pages_served
        assert ended_well(night(server, home))
        again = server.app.state.salesforce_jobs.pages_served - fetched
        assert tables(home) == expected
        assert durable_pages(home) == pages
        assert again == pages - before, f"moment {moment}: {again} pages fetched, {pages - before} were missing"
    assert killed > MOMENTS // 2
