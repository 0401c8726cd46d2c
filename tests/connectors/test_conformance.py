"""Every connector keeps the contract. Another one joins by one line in SUBJECTS."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.conformance import CHECKS, Change, Growth, Subject, Trial
from connectors.contract import Connector
from connectors.http import Backoff
from connectors.pipedrive.connector import PipedriveConnector
from connectors.registry import open_connector
from connectors.salesforce.connector import SalesforceConnector
from connectors.salesforce.settings import SalesforceSettings
from crmlift.simulator.company import Company, SimField
from crmlift.simulator.options import HS_SERVICE_KEY, PD_API_TOKEN, SF_CLIENT_ID, SF_CLIENT_SECRET, ServerOptions
from crmlift.simulator.pipedrive import fields as pipedrive_fields
from crmlift.simulator.pipedrive.shapes import number_of
from crmlift.simulator.server import ServerInfo, running_simulator
from tests.connectors.files.spreadsheets import HEADER, costs, text
from tests.connectors.hubspot import fake_account
from tests.connectors.plugin_fixture import forget, install, tickets
from tests.crmlift.simulator.small_company import small_company

SMALL = ServerOptions(bulk_page_size=500, rest_page_size=200, job_polls=0)
STORM = replace(SMALL, faults="all", fault_seed=3, fault_share=0.2)
HASTY = Backoff(attempts=8, first_seconds=0.0, cap_seconds=0.0, patience_seconds=0.0)
REGION = "r" * 40
SF_SECRETS = {"client_id": SF_CLIENT_ID, "client_secret": SF_CLIENT_SECRET}
Make = Callable[[ExitStack, Path, pytest.MonkeyPatch], Subject]


def nobody() -> str:
    """An address of this machine where nothing listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"https://127.0.0.1:{unused.getsockname()[1]}"


def touch(server: ServerInfo, system: str, table: str) -> Change:
    """Change one record of a simulated CRM an hour later, and delete another."""
    company = server.served.company
    company.as_of += timedelta(hours=1)
    at = company.as_of - timedelta(minutes=5)
    key, stamps, flag = ("Id", ("SystemModstamp", "LastModifiedDate"), "IsDeleted")
    if system == "hubspot":
        key, stamps, flag = ("id", ("updatedAt", "hs_lastmodifieddate", "lastmodifieddate"), "archived")
    rows = [row for row in getattr(company, system)[table].rows if not row[flag]]
    for row in rows[:2]:
        row.update({name: at for name in stamps if name in row})
    rows[1][flag] = True
    if system == "hubspot":
        rows[1]["archivedAt"] = at
    server.served.refresh()
    return Change(table, frozenset({rows[0][key]}), frozenset({rows[1][key]}))


def give(server: ServerInfo, system: str, table: str) -> Growth:
    """Give a table of a simulated CRM a field; no record counts as changed for that."""
    held = getattr(server.served.company, system)[table]
    held.fields = [*held.fields, SimField(REGION, "string")]
    for row in held.rows:
        row[REGION] = "North"
    server.served.refresh()
    key, flag = ("id", "archived") if system == "hubspot" else ("Id", "IsDeleted")
    return Growth(table, REGION, frozenset(row[key] for row in held.rows if not row[flag]))


def salesforce(stack: ExitStack, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Subject:
    calm = stack.enter_context(running_simulator(small_company(), SMALL))
    storm = stack.enter_context(running_simulator(small_company(), STORM))
    closed = stack.enter_context(running_simulator(small_company(), replace(SMALL, refused=("Account",))))

    def connect(url: str, ca_file: object, **secrets: str) -> SalesforceConnector:
        given = {"instance_url": url, "ca_bundle": str(ca_file), "formula_refresh_days": 0, "bulk_threshold_rows": 1000}
        known = SF_SECRETS | secrets
        settings = SalesforceSettings.of("sf", given, known)
        return SalesforceConnector(settings, known, sleep=lambda seconds: None, backoff=HASTY)

    return Subject(
        open=lambda: connect(calm.base_url, calm.ca_file),
        secrets=(SF_CLIENT_SECRET,),
        change=lambda: touch(calm, "salesforce", "Account"),
        stormy=lambda: connect(storm.base_url, storm.ca_file),
        unreachable=lambda: connect(nobody(), calm.ca_file),
        refused=lambda: connect(calm.base_url, calm.ca_file, client_secret="not-the-secret"),
        grow=lambda: give(calm, "salesforce", "Account"),
        withheld=lambda: (connect(closed.base_url, closed.ca_file), "Account"),
    )


def hubspot(stack: ExitStack, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Subject:
    calm = stack.enter_context(running_simulator(small_company(), SMALL))
    storm = stack.enter_context(running_simulator(small_company(), STORM))
    closed = stack.enter_context(running_simulator(small_company(), replace(SMALL, refused=("contacts",))))

    def connect(url: str, ca_file: object, token: str = HS_SERVICE_KEY) -> Connector:
        given = {"base_url": url, "ca_bundle": str(ca_file), "include": ["machines"]}
        return fake_account.connect(None, secrets={"access_token": token}, **given)

    return Subject(
        open=lambda: connect(calm.base_url, calm.ca_file),
        streams=("owners", "pipeline_stages", "contacts", "deals", "machines", "login_activity"),
        resumes=4,
        secrets=(HS_SERVICE_KEY,),
        change=lambda: touch(calm, "hubspot", "contacts"),
        stormy=lambda: connect(storm.base_url, storm.ca_file),
        unreachable=lambda: connect(nobody(), calm.ca_file),
        refused=lambda: connect(calm.base_url, calm.ca_file, "not-the-key"),
        grow=lambda: give(calm, "hubspot", "contacts"),
        withheld=lambda: (connect(closed.base_url, closed.ca_file), "contacts"),
    )


def pipedrive(stack: ExitStack, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Subject:
    calm = stack.enter_context(running_simulator(small_sales(), SMALL))
    storm = stack.enter_context(running_simulator(small_sales(), STORM))
    closed = stack.enter_context(running_simulator(small_sales(), replace(SMALL, refused=("organizations",))))

    def connect(url: str, ca_file: object, token: str = PD_API_TOKEN) -> Connector:
        given = {"base_url": url, "ca_bundle": str(ca_file), "reconcile_days": 1}
        return PipedriveConnector("pd", given, {"api_token": token}, sleep=lambda seconds: None, backoff=HASTY)

    def change() -> Change:
        change = touch(calm, "salesforce", "Opportunity")
        calm.served.company.as_of += timedelta(days=2)
        calm.served.refresh()
        numbers = [frozenset(number_of(key) for key in keys) for keys in (change.changed, change.deleted)]
        return Change("deals", *numbers)

    def grow() -> Growth:
        monkeypatch.setitem(
            pipedrive_fields._CUSTOM, "organization", [{"name": "R", "code": REGION, "type": "varchar"}]
        )
        rows = calm.app.state.pipedrive.records("organizations")
        for row in rows:
            row["custom_fields"] = {REGION: "North"}
        return Growth("organizations", REGION, frozenset(row["id"] for row in rows))

    return Subject(
        open=lambda: connect(calm.base_url, calm.ca_file),
        secrets=(PD_API_TOKEN,),
        change=change,
        stormy=lambda: connect(storm.base_url, storm.ca_file),
        unreachable=lambda: connect(nobody(), calm.ca_file),
        refused=lambda: connect(calm.base_url, calm.ca_file, "not-the-token"),
        grow=grow,
        withheld=lambda: (connect(closed.base_url, closed.ca_file), "organizations"),
    )


def small_sales() -> Company:
    """A request a deal: fewer of them."""
    company = small_company()
    company.salesforce["Opportunity"].rows = company.salesforce["Opportunity"].rows[::12]
    return company


def singer(stack: ExitStack, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Subject:
    monkeypatch.setenv("TAP_TOKEN", "sec-4711-very")
    shape = {"id": {"type": "integer"}, "at": {"type": "string", "format": "date-time"}}
    stream = {"tap_stream_id": "visits", "stream": "visits", "key_properties": ["id"]}
    stream |= {"schema": {"properties": shape}, "metadata": [{"breadcrumb": [], "metadata": {}}]}
    records = {"visits": {"rows": [{"id": n, "at": "2026-01-05T10:00:00Z"} for n in range(20)]}}
    script = str(Path(__file__).parent / "singer" / "tap_small.py")
    told = {
        "catalog": {"streams": [stream]},
        "records": records,
        "log": str(folder / "log"),
        "api_token": "${TAP_TOKEN}",
    }
    settings = {"type": "singer", "command": [sys.executable, script], "config": told}
    notes = stream | {"tap_stream_id": "notes", "stream": "notes"}
    kept = {"rows": [{"id": 1}], "die_after": 0, "last_words": "403 Forbidden"}
    more = {"catalog": {"streams": [stream, notes]}, "records": {**records, "notes": kept}}
    closed = settings | {"config": told | more}

    def change() -> Change:
        records["visits"]["rows"].append({"id": 20, "at": "2026-01-06T10:00:00Z"})
        return Change("visits", frozenset({20}))

    def grow() -> Growth:
        records["visits"] |= {"later": {"3": {"region": {"type": "string"}}}}
        for row in records["visits"]["rows"]:
            row["region"] = "North"
        return Growth("visits", "region", frozenset(range(20)))

    return Subject(
        open=lambda: open_connector("tap", json.loads(json.dumps(settings)), {}),
        grow=grow,
        withheld=lambda: (open_connector("tap", closed, {}), "notes"),
        secrets=("sec-4711-very",),
        unreachable=lambda: open_connector("tap", settings | {"command": "/nowhere/tap"}, {}),
    )


def files(stack: ExitStack, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Subject:
    rows = [HEADER, *((f"A{n}", "training", f"2026-01-{n + 1:02d}", str(100 + n)) for n in range(25))]
    (folder / "costs.csv").write_text(text(rows))
    return Subject(
        open=lambda: costs(folder, "*.csv"),
        change=lambda: _another_cost(folder, rows),
    )


def _another_cost(folder: Path, rows: list[tuple[str, ...]]) -> Change:
    (folder / "costs.csv").write_text(text([*rows[:-1], ("B1", "support", "2026-02-01", "7")]))
    return Change("cost_item", frozenset({"B1"}), frozenset({rows[-1][0]}))


def helpdesk(stack: ExitStack, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Subject:
    install(folder, monkeypatch)
    stack.callback(forget)
    ties = [(f"t{n:03d}", "Printer", n % 2 == 0, f"2026-01-05T10:0{n // 40}:00+00:00") for n in range(120)]
    tickets(folder / "desk.db", ties)
    settings = {"type": "helpdesk", "path": str(folder / "desk.db"), "page_rows": 7}
    return Subject(
        open=lambda: open_connector("desk", settings, {}),
        unreachable=lambda: open_connector("desk", settings | {"path": "/nowhere/desk.db"}, {}),
    )


CRMS = ("salesforce", "hubspot", "pipedrive")
"""Every check is made of these, on one stream at least."""
SUBJECTS: list[Make] = [salesforce, hubspot, pipedrive, files, singer, helpdesk]


@pytest.fixture(scope="module", params=SUBJECTS, ids=lambda make: str(make.__name__))
def trial(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    with ExitStack() as stack, pytest.MonkeyPatch.context() as monkeypatch:
        subject = request.param(stack, tmp_path_factory.mktemp(request.param.__name__), monkeypatch)
        yield stack.enter_context(Trial(subject))


@pytest.mark.parametrize("check", CHECKS)
def test_it_conforms(trial: Trial, check: str) -> None:
    results = trial.results(check)
    assert [f"{r.stream}: {r.detail}" for r in results if r.outcome == "failed"] == []
    if trial.connector.system in CRMS:
        assert any(r.outcome == "passed" for r in results), results
