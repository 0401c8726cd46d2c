"""Published taps through the Singer bridge, unchanged, against the simulator: loaded, changed, resumed from state.

`make foreign-singer` installs them, each into an environment of its own below `.venv-foreign` (or the folder
CRMLIFT_FOREIGN names) and runs this; a tap that is not there is skipped. They insist on the vendors' addresses: a proxy
leads them here.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors.landing import read_manifest
from crmlift import pipeline
from crmlift.simulator.build import build_company
from crmlift.simulator.company import Company
from crmlift.simulator.detour import detour
from crmlift.simulator.options import HS_SERVICE_KEY, PD_API_TOKEN, SF_CLIENT_ID, SF_CLIENT_SECRET, SF_REFRESH_TOKEN
from crmlift.simulator.pipedrive.account import PipedriveAccount
from crmlift.simulator.server import ServerInfo, running_simulator

pytestmark = pytest.mark.slow

TAPS = Path(os.environ.get("CRMLIFT_FOREIGN", Path(__file__).parents[2] / ".venv-foreign"))
TRUST = "import os, certifi\ncertifi.where = certifi.core.where = lambda: os.environ['SSL_CERT_FILE']\n"
VENDOR_HOSTS = ("api.hubapi.com", "api.pipedrive.com", "login.salesforce.com", "test.salesforce.com")
SHARE = 25
WEEK = timedelta(days=7)


@dataclass
class Stage:
    """A simulator, a home, and what a tap needs to find the one instead of its vendor."""

    server: ServerInfo
    company: Company
    home: Path
    environment: dict[str, str]
    runs: list[str] = field(default_factory=list)

    def night(self, tap: str, program: str, config: dict[str, Any], **more: Any) -> None:
        command = TAPS / tap / "bin" / program
        if not command.exists():
            pytest.skip(f"{tap} is not installed in {TAPS} (make foreign-singer)")
        source = {"type": "singer", "command": str(command), "config": config, "environment": self.environment, **more}
        (self.home / "crmlift.yml").write_text(json.dumps({"sources": {"tap": source}}))
        self.runs.append(f"night-{len(self.runs) + 1}")
        pipeline.extract("tap", run_id=self.runs[-1])
        pipeline.load(run_id=self.runs[-1])

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.home / "data" / "warehouse.duckdb"), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def landed(self, stream: str) -> int:
        """Rows of a stream in the newest run."""
        (path,) = (self.home / "data" / "landing" / "tap" / stream).glob(f"{self.runs[-1]}*/manifest.json")
        return read_manifest(path).rows

    def move_on(self) -> Company:
        """Serve the company a week later; returns what it was."""
        before, self.company = self.company, part_of(build_company("known", as_of=self.company.as_of + WEEK))
        self.server.served.set_company(self.company)
        return before


def part_of(company: Company) -> Company:
    """Every 25th record of the large tables, by the number in its id."""
    small = copy.copy(company)
    small.salesforce = {name: copy.copy(table) for name, table in company.salesforce.items()}
    small.hubspot = {name: copy.copy(table) for name, table in company.hubspot.items()}
    for table in small.hubspot.values():
        table.rows = [row for row in table.rows if int(str(row["id"])) // 7 % SHARE == 0]
    return small


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    company = part_of(build_company("known", as_of=build_company("known").as_of - WEEK))
    (tmp_path / "trust").mkdir()
    (tmp_path / "trust" / "sitecustomize.py").write_text(TRUST)
    monkeypatch.setenv("CRMLIFT_CONFIG", str(tmp_path / "crmlift.yml"))
    monkeypatch.setenv("CRMLIFT_HOME", str(tmp_path / "data"))
    with running_simulator(company, names=VENDOR_HOSTS, folder=tmp_path) as server, detour(server.port) as proxy:
        environment = {"HTTPS_PROXY": proxy, "https_proxy": proxy, "no_proxy": "", "NO_PROXY": ""}
        trusted = dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"), str(server.ca_file))
        yield Stage(server, company, tmp_path, {**environment, **trusted, "PYTHONPATH": str(tmp_path / "trust")})


def test_meltano_tap_hubspot_loads_and_resumes(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAP_HUBSPOT_TOKEN", HS_SERVICE_KEY)
    config = {"access_token": "${TAP_HUBSPOT_TOKEN}", "start_date": "2020-01-01T00:00:00Z"}
    tap = ("meltano-tap-hubspot", "tap-hubspot", config)
    streams = ["companies", "contacts", "deals", "owners"]
    stage.night(*tap, select=streams)
    held = {name: {str(r["id"]) for r in stage.company.hubspot[name].rows if not r["archived"]} for name in streams[:3]}
    for name, ids in held.items():
        assert {row[0] for row in stage.query(f"select id from raw_tap_hubspot.{name}")} == ids != set(), name
    assert stage.query("select count(*) from raw_tap_hubspot.owners") == [
        (sum(not owner["archived"] for owner in stage.company.owners),)
    ]
    before = stage.move_on()
    stage.night(*tap, select=streams)
    for name in held:
        last = max(r["updatedAt"] for r in before.hubspot[name].rows if not r["archived"])
        rows = [r for r in stage.company.hubspot[name].rows if not r["archived"]]
        changed = {str(r["id"]) for r in rows if r["updatedAt"] >= last}
        assert 0 < stage.landed(name) <= len(changed) < len(held[name]), name
        found = dict(stage.query(f'select id, max("updatedAt") from raw_tap_hubspot.{name} group by id'))
        assert {k: found[k] for k in changed} == {str(r["id"]): r["updatedAt"] for r in rows if str(r["id"]) in changed}
    assert HS_SERVICE_KEY not in "".join(p.read_text() for p in (stage.home / "data").rglob("*.json"))


def test_tap_salesforce_loads_and_resumes(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAP_SALESFORCE_SECRET", SF_CLIENT_SECRET)
    monkeypatch.setenv("TAP_SALESFORCE_REFRESH", SF_REFRESH_TOKEN)
    config = {
        "client_id": SF_CLIENT_ID, "client_secret": "${TAP_SALESFORCE_SECRET}",
        "refresh_token": "${TAP_SALESFORCE_REFRESH}", "start_date": "2020-01-01T00:00:00Z", "api_type": "REST",
        "select_fields_by_default": "true",
    }  # fmt: skip
    tap = ("tap-salesforce", "tap-salesforce", config)
    stage.night(*tap, select=["Account", "OpportunityStage"], catalog_option="properties")
    rows = stage.company.salesforce["Account"].rows
    assert {row[0] for row in stage.query('select "Id" from raw_tap_salesforce."Account"')} == {r["Id"] for r in rows}
    before = stage.move_on()
    stage.night(*tap, select=["Account", "OpportunityStage"], catalog_option="properties")
    last = max(r["SystemModstamp"] for r in before.salesforce["Account"].rows)
    changed = [r for r in stage.company.salesforce["Account"].rows if r["SystemModstamp"] >= last]
    assert 0 < stage.landed("Account") <= len(changed) + 1 < len(rows) / 5
    live = {row[0] for row in stage.query('select "Id" from raw_tap_salesforce."Account"')}
    assert live >= {r["Id"] for r in stage.company.salesforce["Account"].rows}


def test_tap_pipedrive_loads_and_resumes(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAP_PIPEDRIVE_TOKEN", PD_API_TOKEN)
    config = {"api_token": "${TAP_PIPEDRIVE_TOKEN}", "start_date": "2020-01-01T00:00:00Z"}
    tap, streams = (
        ("tap-pipedrive", "tap-pipedrive", config),
        ["deals", "persons", "organizations", "stages", "pipelines"],
    )
    account: PipedriveAccount = stage.server.app.state.pipedrive
    stage.night(*tap, select=streams)
    for name in streams:
        held = {str(row["id"]) for row in account.records(name)}
        assert {str(row[0]) for row in stage.query(f"select id from raw_tap_pipedrive.{name}")} == held != set(), name
    last = {name: max(row["update_time"] for row in account.records(name)) for name in streams[:3]}
    stage.move_on()
    stage.night(*tap, select=streams)
    for name, bookmark in last.items():
        rows = account.records(name)
        later, again = (
            sum(row["update_time"] > bookmark for row in rows),
            sum(row["update_time"] == bookmark for row in rows),
        )
        assert 0 < later <= stage.landed(name) <= later + again < len(rows) / 2, name
        found = {str(row[0]) for row in stage.query(f"select id from raw_tap_pipedrive.{name}")}
        assert found >= {str(row["id"]) for row in rows}, name
