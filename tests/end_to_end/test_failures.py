"""Bad input ends with its exit code and a message that says what to do, and nothing is half-written."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import yaml

from crmlift.simulator.build import build_company
from crmlift.simulator.options import HS_SERVICE_KEY, SF_CLIENT_ID, SF_CLIENT_SECRET
from crmlift.simulator.server import ServerInfo, running_simulator
from tests.end_to_end.conftest import ROOT, crmlift

GOOD = {
    "CRMLIFT_SF_CLIENT_ID": SF_CLIENT_ID,
    "CRMLIFT_SF_CLIENT_SECRET": SF_CLIENT_SECRET,
    "CRMLIFT_HS_ACCESS_TOKEN": HS_SERVICE_KEY,
}


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> ServerInfo:
    with running_simulator(build_company("known"), folder=tmp_path_factory.mktemp("tls")) as info:
        yield info


def settings(folder: Path, info: ServerInfo | None = None, address: str | None = None) -> dict[str, str]:
    """Write a settings file for both sources; the environment that points to it, with good secrets."""
    url, ca = (info.base_url, str(info.ca_file)) if info else (address, None)
    trust = {"ca_bundle": ca} if ca else {}
    path = folder / "crmlift.yml"
    sources = {
        "sf": {"type": "salesforce", "instance_url": url, "include": [], **trust},
        "hs": {"type": "hubspot", "base_url": url, **trust},
    }
    path.write_text(yaml.safe_dump({"sources": sources}))
    return {"CRMLIFT_CONFIG": str(path), **GOOD}


def landed(home: Path) -> list[Path]:
    return sorted((home / "landing").rglob("manifest.json"))


@pytest.mark.parametrize(("source", "secret"), [("sf", "CRMLIFT_SF_CLIENT_SECRET"), ("hs", "CRMLIFT_HS_ACCESS_TOKEN")])
def test_wrong_credentials(simulator: ServerInfo, tmp_path: Path, source: str, secret: str) -> None:
    environment = settings(tmp_path, simulator) | {secret: "wrong-secret-value"}
    done = crmlift("extract", "--only", source, home=tmp_path / "home", **environment)
    assert done.returncode == 11, done.stderr
    assert "Next:" in done.stderr
    assert "wrong-secret-value" not in done.stderr + done.stdout
    assert landed(tmp_path / "home") == []


def test_each_source_that_refuses_is_told(simulator: ServerInfo, tmp_path: Path) -> None:
    wrong = {"CRMLIFT_SF_CLIENT_SECRET": "wrong-secret-value", "CRMLIFT_HS_ACCESS_TOKEN": "wrong-secret-value"}
    done = crmlift("run", home=tmp_path / "home", **settings(tmp_path, simulator) | wrong)
    assert done.returncode == 11, done.stderr
    assert done.stderr.count("Salesforce refused the log-in") == done.stderr.count("HubSpot refused the token") == 1
    assert "wrong-secret-value" not in done.stderr + done.stdout


@pytest.mark.parametrize("source", ["sf", "hs"])
def test_unreachable_host(tmp_path: Path, source: str) -> None:
    environment = settings(tmp_path, address="https://127.0.0.1:9")
    done = crmlift("extract", "--only", source, home=tmp_path / "home", **environment)
    assert done.returncode == 12, done.stderr
    assert "127.0.0.1" in done.stderr
    assert "Next:" in done.stderr


def test_malformed_settings(tmp_path: Path) -> None:
    (tmp_path / "crmlift.yml").write_text("sources: {sf: {type: salesforce, domian: x}}")
    done = crmlift("config", "show", home=tmp_path, CRMLIFT_CONFIG=str(tmp_path / "crmlift.yml"))
    assert done.returncode == 10
    assert "did you mean 'domain'?" in done.stderr


def test_missing_files(tmp_path: Path) -> None:
    done = crmlift("run", home=tmp_path, CRMLIFT_CONFIG=str(tmp_path / "nowhere.yml"))
    assert done.returncode == 10
    assert "crmlift init" in done.stderr
    done = crmlift("assess", str(tmp_path / "no.csv"), "--date", "d", "--go-live", "2026-01-01", home=tmp_path)
    assert done.returncode == 2
    assert "no.csv" in done.stderr
    done = crmlift("query", "select 1", home=tmp_path)
    assert done.returncode == 10
    assert "crmlift demo" in done.stderr


def test_a_full_disk_leaves_nothing_half_written_and_the_next_run_goes_on(
    simulator: ServerInfo, tmp_path: Path
) -> None:
    """No file may grow past 20 kB: the kernel refuses the write as a full disk does."""
    environment = settings(tmp_path, simulator)
    home = tmp_path / "home"
    code = "import sys; from crmlift.cli.main import run; sys.argv = ['crmlift', 'extract', '--only', 'sf']; run()"
    import os
    import signal

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | environment | {"CRMLIFT_HOME": str(home)},
        capture_output=True, text=True, timeout=120, check=False, preexec_fn=limited,
    )  # fmt: skip
    assert done.returncode == 12, done.stderr
    assert "landing" in done.stderr
    assert "Next:" in done.stderr
    assert not list(home.rglob("*.tmp")), "a temporary file was left"
    before = landed(home)
    again = crmlift("extract", "--only", "sf", home=home, **environment)
    assert again.returncode == 0, again.stderr
    assert len(landed(home)) > len(before)


def test_a_locked_database(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    environment = settings(tmp_path, address="https://127.0.0.1:9")
    with duckdb.connect(str(home / "warehouse.duckdb")):
        done = crmlift("load", home=home, **environment)
    assert done.returncode == 10
    assert "Another process holds the database file" in done.stderr
    assert "analytics.duckdb" in done.stderr


def test_a_wrong_query_and_a_write_are_refused(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "analytics.duckdb")) as connection:
        connection.execute("create table t as select 1 as x")
    assert crmlift("query", "select * from nowhere", home=tmp_path).returncode == 2
    done = crmlift("query", "drop table t", home=tmp_path)
    assert done.returncode == 2
    assert "read-only" in done.stderr
    assert crmlift("query", "select * from t", "--json", home=tmp_path).stdout.strip().startswith("[")


def test_an_unknown_company_names_those_there_are(tmp_path: Path) -> None:
    done = crmlift("simulate", "--company", "nobody", "--export", str(tmp_path / "x"), home=tmp_path)
    assert done.returncode == 2
    assert "known" in done.stderr
