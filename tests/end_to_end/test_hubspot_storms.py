"""Storms of faults and sudden deaths: the tables are those of a calm, uninterrupted run."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from connectors.contract import Window
from crmlift.simulator.options import HS_CLIENT_ID, HS_CLIENT_SECRET, HS_REFRESH_TOKEN, HS_SERVICE_KEY, ServerOptions
from crmlift.simulator.server import running_simulator
from tests.connectors.hubspot import fake_account
from tests.crmlift.simulator.every_object import AS_OF, CUSTOM, every_object
from tests.end_to_end.conftest import ROOT
from tests.end_to_end.hubspot_tables import Tables, extract, rejected, tables

pytestmark = pytest.mark.slow

RECORDS, SEEDS, KILLS = 120, 20, 50
STORMS = ("errors", "limits", "drops", "expired", "all")
APP = {"client_id": HS_CLIENT_ID, "client_secret": HS_CLIENT_SECRET, "refresh_token": HS_REFRESH_TOKEN}
WINDOW = Window(None, AS_OF)


def read(home: Path, options: ServerOptions, **settings: Any) -> Tables:
    """Everything through a connector whose waits take no time; what the storm did is checked too."""
    with running_simulator(every_object(RECORDS), options, is_https=False) as server:
        connector = fake_account.connect(None, secrets=APP, base_url=server.base_url, **settings)
        extract(connector, home, "run", WINDOW)
        connector.close()
        assert server.faults is None or sum(server.faults.counts.values()) > 10
    assert rejected(home) == 0
    return tables(home)


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    found = read(tmp_path_factory.mktemp("calm"), ServerOptions())
    assert len(found["deals"]) > RECORDS and len(found["deals_history"]) > RECORDS
    return found


@pytest.mark.parametrize("seed", range(1, SEEDS + 1))
@pytest.mark.parametrize("storm", STORMS)
def test_a_storm_changes_no_table(calm: Tables, tmp_path: Path, storm: str, seed: int) -> None:
    assert read(tmp_path, ServerOptions(faults=storm, fault_seed=seed, fault_share=0.15)) == calm


@pytest.mark.parametrize("version", ["v3", "v4"])
def test_every_version_of_the_api_gives_the_same_tables(calm: Tables, tmp_path: Path, version: str) -> None:
    assert read(tmp_path, ServerOptions(), api_version=version) == calm


def test_what_was_archived_merged_or_purged_since_is_gone(tmp_path: Path) -> None:
    company = every_object(RECORDS)
    deals, custom = company.hubspot["deals"], company.hubspot[CUSTOM]
    before = {row["id"] for row in deals.rows if not row["archived"]}
    later = AS_OF + timedelta(days=1)
    with running_simulator(company, is_https=False) as server:
        connector = fake_account.connect(None, secrets=APP, base_url=server.base_url, reconcile=True)
        extract(connector, tmp_path, "first", WINDOW)
        archived, merged, survivor, *purged = [row for row in deals.rows if not row["archived"]][:8]
        archived |= {"archived": True, "archivedAt": later - timedelta(hours=2)}
        survivor |= {"hs_merged_object_ids": merged["id"]}
        survivor |= {"hs_lastmodifieddate": later - timedelta(hours=1), "updatedAt": later - timedelta(hours=1)}
        deals.rows[:] = [row for row in deals.rows if row is not merged and row not in purged]
        gone_machine = custom.rows.pop(0)["id"]
        company.as_of = later
        server.served.refresh()
        extract(connector, tmp_path, "second", Window(AS_OF - timedelta(minutes=10), later))
        connector.close()
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as connection:
        alive = connection.execute("select id from raw_hubspot.deals where not _deleted").fetchall()
        machine = connection.execute(
            "select _deleted from raw_hubspot.machines where id = ?", [gone_machine]
        ).fetchall()
    lost = {row["id"] for row in (archived, merged, *purged)}
    assert len(lost) == 7 and {i for (i,) in alive} == before - lost
    assert machine == [(True,)]


CHILD = """
import sys
from crmlift import pipeline
pipeline.extract("hs", run_id=sys.argv[1])
pipeline.load(run_id=sys.argv[1])
"""


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    with running_simulator(every_object(RECORDS), ServerOptions(latency_s=0.02), folder=tmp_path) as server:
        source = {"type": "hubspot", "base_url": server.base_url, "ca_bundle": str(server.ca_file), "reconcile": True}
        (tmp_path / "crmlift.yml").write_text(yaml.safe_dump({"sources": {"hs": source}}))
        clean = {k: v for k, v in os.environ.items() if not k.startswith("CRMLIFT_")}
        yield clean | {
            "CRMLIFT_CONFIG": str(tmp_path / "crmlift.yml"),
            "CRMLIFT_HS_ACCESS_TOKEN": HS_SERVICE_KEY,
            "PYTHONPATH": str(ROOT),
        }


def start(environment: dict[str, str], home: Path, run_id: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, run_id],
        cwd=ROOT,
        env=environment | {"CRMLIFT_HOME": str(home)},
        stderr=subprocess.DEVNULL,
    )


def test_killed_at_fifty_moments_nothing_is_lost_or_doubled(environment: dict[str, str], tmp_path: Path) -> None:
    whole = start(environment, tmp_path / "whole", "whole")
    assert whole.wait(120) == 0
    draw, home, kills, finished = random.Random(4), tmp_path / "killed", 0, 0
    while kills < KILLS:
        child = start(environment, home, f"run-{kills:03d}-{finished}")
        try:
            assert child.wait(draw.uniform(0.5, 6.0)) == 0
            finished += 1
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
            child.wait()
            kills += 1
    assert start(environment, home, "run-last").wait(120) == 0
    assert tables(home) == tables(tmp_path / "whole") != {}
