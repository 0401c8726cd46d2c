"""Storms of faults and sudden deaths: the tables are those of a calm, uninterrupted run."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from connectors.contract import Window
from crmlift.simulator.options import HS_CLIENT_ID, HS_CLIENT_SECRET, HS_REFRESH_TOKEN, HS_SERVICE_KEY, ServerOptions
from crmlift.simulator.server import running_simulator
from tests.connectors.hubspot import fake_account
from tests.crmlift.simulator.every_object import AS_OF, every_object
from tests.end_to_end.conftest import ROOT
from tests.end_to_end.hubspot_tables import Tables, extract, rejected, tables

pytestmark = pytest.mark.slow

RECORDS, SEEDS, KILLS = 120, 20, 50
STORMS = ("errors", "limits", "drops", "expired", "all")
APP = {"client_id": HS_CLIENT_ID, "client_secret": HS_CLIENT_SECRET, "refresh_token": HS_REFRESH_TOKEN}
WINDOW = Window(None, AS_OF)


def read(home: Path, options: ServerOptions) -> Tables:
    """Everything through a connector whose waits take no time; what the storm did is checked too."""
    with running_simulator(every_object(RECORDS), options, is_https=False) as server:
        connector = fake_account.connect(None, secrets=APP, base_url=server.base_url)
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
