"""Reading a small org: every row as it is, windows, deletes, resuming, budgets, storms."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from connectors.contract import PageFormat, PageKind, Window
from connectors.errors import BudgetReached, ExpectedFailure
from connectors.salesforce.connector import SalesforceConnector
from crmlift.simulator.faults import STORMS
from crmlift.simulator.options import ServerOptions
from crmlift.simulator.server import ServerInfo, running_simulator
from tests.connectors.salesforce.orgs import Replica, connect, extract, truth, zone_at
from tests.crmlift.simulator.small_company import AS_OF, OPPORTUNITIES, small_company

WAYS = {"bulk": {"bulk_threshold_rows": 0}, "rest": {"bulk_threshold_rows": 10_000}}


def paths_of(connector: SalesforceConnector, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses the connector asks for from now on."""
    asked: list[str] = []
    adapter = connector._client.adapter
    real = adapter.send

    def noting(request, *args, **kwargs):  # type: ignore[no-untyped-def]
        asked.append(f"{request.method} {request.path_url}")
        return real(request, *args, **kwargs)

    monkeypatch.setattr(adapter, "send", noting)
    return asked


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("stream", ["User", "Account", "Opportunity"])
def test_every_row_arrives_unchanged_either_way(server: ServerInfo, tmp_path: Path, way: str, stream: str) -> None:
    connector, zone, replica = connect(server, **WAYS[way]), zone_at(tmp_path), Replica()
    manifest = extract(connector, zone, stream)
    replica.load(zone, manifest)
    table = server.served.company.salesforce[stream]
    assert replica.rows == truth(table, manifest.schema)
    assert manifest.source_count == sum(not row["IsDeleted"] for row in table.rows)
    assert {part.format for part in manifest.parts} == {PageFormat.CSV if way == "bulk" else PageFormat.JSONL}


def test_orgs_without_lists_of_result_pages_are_read_by_locator(server: ServerInfo, tmp_path: Path) -> None:
    connector, zone, replica = connect(server, api_version="52.0", bulk_threshold_rows=0), zone_at(tmp_path), Replica()
    manifest = extract(connector, zone, "Opportunity")
    replica.load(zone, manifest)
    assert len(replica.rows) == OPPORTUNITIES
    assert len(manifest.parts) == 9


@pytest.mark.parametrize("way", WAYS)
def test_a_window_holds_its_start_and_not_its_end(server: ServerInfo, way: str) -> None:
    connector = connect(server, **WAYS[way])
    schema = connector.schema("Opportunity")
    stamps = sorted(row["SystemModstamp"] for row in server.served.company.salesforce["Opportunity"].rows)
    window = Window(stamps[10], stamps[20])
    found = b"".join(
        chunk for page in connector.read(schema, window, None) if page.kind is PageKind.UPSERT for chunk in page.body
    )
    inside = [n for n in range(OPPORTUNITIES) if f"Deal {n}".encode() in found.replace(b'"', b"\n").split(b"\n")]
    assert inside == [10, 11, 12, 13, 14, 15, 16, 17, 18, 19]


def test_an_increment_is_cheap_and_brings_deletes(server: ServerInfo, tmp_path: Path) -> None:
    connector, zone, replica = connect(server), zone_at(tmp_path), Replica()
    connector.schema("Opportunity")
    before = connector.api_calls
    manifest = extract(connector, zone, "Opportunity", since=AS_OF - timedelta(days=5))
    assert connector.api_calls - before <= 6
    replica.rows["006Sm0000099999AAA"] = {}
    replica.load(zone, manifest)
    assert "006Sm0000099999AAA" in replica.gone


def test_after_more_than_fifteen_days_the_ids_are_compared(server: ServerInfo, tmp_path: Path) -> None:
    connector, zone, replica = connect(server), zone_at(tmp_path), Replica()
    manifest = extract(connector, zone, "Opportunity", since=AS_OF - timedelta(days=16))
    keys = [part for part in manifest.parts if part.kind is PageKind.KEYS]
    assert sum(part.rows for part in keys) == OPPORTUNITIES
    replica.rows["006Sm0000099999AAA"] = {}
    replica.load(zone, manifest)
    assert replica.gone == {"006Sm0000099999AAA"}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("landed_pages", [0, 1, 5, 9])
def test_reading_goes_on_after_any_page_without_a_new_job(
    server: ServerInfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, landed_pages: int
) -> None:
    zone, schema = zone_at(tmp_path), connect(server).schema("Opportunity")
    first = zone.begin(schema, "sf", "r1", Window(None, AS_OF))
    pages = connect(server, **WAYS[way]).read(schema, first.window, None)
    landed = 0
    for page in pages:
        if landed == landed_pages and page.body:
            break
        first.write(page)
        landed += bool(page.body)

    connector = connect(server, **WAYS[way])
    asked = paths_of(connector, monkeypatch)
    second = zone.begin(schema, "sf", "r2", Window(None, AS_OF))
    second.write_all(connector.read(schema, second.window, second.checkpoint))
    manifest = second.commit()[-1]
    replica = Replica()
    replica.load(zone, manifest)
    assert (manifest.rows, len(replica.rows)) == (OPPORTUNITIES, OPPORTUNITIES)
    if way == "bulk":
        assert not [path for path in asked if path.startswith("POST")]
        fetched = [path for path in asked if "/results" in path]
    else:
        fetched = [path for path in asked if "/query" in path and "COUNT" not in path]
    assert len(fetched) == (9 if way == "bulk" else 22) - landed_pages


def test_a_job_that_is_gone_is_replaced(server: ServerInfo, tmp_path: Path) -> None:
    connector, zone = connect(server, bulk_threshold_rows=0), zone_at(tmp_path)
    schema = connector.schema("Account")
    lost = {"stage": "records", "way": "bulk", "job": "750000000000000AAA", "place": {}}
    writer = zone.begin(schema, "sf", "r1", Window(None, AS_OF))
    writer.write_all(connector.read(schema, writer.window, lost))
    assert writer.commit()[-1].rows == 20


def test_at_the_budget_it_stops_at_a_checkpoint_and_goes_on_later(tmp_path: Path) -> None:
    options = ServerOptions(sf_daily_limit=20, rest_page_size=200)
    with running_simulator(small_company(), options) as server:
        zone, replica = zone_at(tmp_path), Replica()
        with pytest.raises(BudgetReached, match="budget is 50%") as caught:
            extract(connect(server, **WAYS["rest"]), zone, "Opportunity")
        assert caught.value.exit_code == 12
        (journal,) = tmp_path.rglob("checkpoint.jsonl")
        landed = len(list(journal.parent.glob("part-*")))
        assert landed > 3
        server.app.state.salesforce.requests_used = 0
        with pytest.raises(BudgetReached):
            extract(connect(server, **WAYS["rest"]), zone, "Opportunity")
        server.app.state.salesforce.requests_used = -20
        manifest = extract(connect(server, **WAYS["rest"]), zone, "Opportunity")
        replica.load(zone, manifest)
        assert (manifest.rows, len(replica.rows)) == (OPPORTUNITIES, OPPORTUNITIES)


def test_sessions_that_end_while_pages_are_read_are_renewed(tmp_path: Path) -> None:
    with running_simulator(small_company(), ServerOptions(session_requests=5, bulk_page_size=300)) as server:
        manifest = extract(connect(server), zone_at(tmp_path), "Opportunity")
    assert manifest.rows == OPPORTUNITIES


def storm(name: str, seed: int, root: Path) -> None:
    """Read the small org under a storm, starting again as an operator would, and compare."""
    options = ServerOptions(faults=name, fault_seed=seed, fault_share=0.3, bulk_page_size=500, rest_page_size=200)
    with running_simulator(small_company(), options) as server:
        zone, company = zone_at(root), small_company()
        for stream, table in company.salesforce.items():
            manifest, failures = None, 0
            while manifest is None:
                try:
                    manifest = extract(connect(server), zone, stream)
                except ExpectedFailure as failure:
                    failures += 1
                    assert failures < 6, failure
            replica = Replica()
            replica.load(zone, manifest)
            assert replica.rows == truth(table, manifest.schema)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_storm_of_every_fault_changes_nothing(tmp_path: Path, seed: int) -> None:
    storm("all", seed, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", STORMS)
@pytest.mark.parametrize("seed", range(20))
def test_no_storm_changes_anything(tmp_path: Path, name: str, seed: int) -> None:
    storm(name, seed, tmp_path)
