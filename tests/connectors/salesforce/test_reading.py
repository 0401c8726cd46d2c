"""Reading a small org: every row as it is, windows, deletes, resuming, budgets, storms."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from connectors.contract import PageFormat, PageKind, Window
from connectors.errors import BudgetReached, ExpectedFailure
from connectors.landing import LandingZone
from connectors.salesforce.connector import SalesforceConnector
from connectors.salesforce.reading import formulas_are_due
from crmlift.simulator.company import SimField
from crmlift.simulator.faults import STORMS
from crmlift.simulator.options import ServerOptions
from crmlift.simulator.server import ServerInfo, running_simulator
from crmlift.warehouse.load import load_landed
from crmlift.warehouse.store import work_database
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


def test_formulas_are_refreshed_once_a_period() -> None:
    nights = [Window(AS_OF + timedelta(days=n), AS_OF + timedelta(days=n + 1)) for n in range(70)]
    assert sum(formulas_are_due(night, 7) for night in nights) == 10
    assert not any(formulas_are_due(night, 0) for night in nights)
    assert not formulas_are_due(Window(None, AS_OF), 7)  # a full reading refreshes them anyway


def test_an_object_with_formulas_is_read_whole_when_its_refresh_is_due(tmp_path: Path) -> None:
    company = small_company()
    company.salesforce["Account"].fields = [
        *company.salesforce["Account"].fields, SimField("Age__c", "double", is_calculated=True)
    ]  # fmt: skip
    with running_simulator(company) as server:
        since = AS_OF - timedelta(days=10)
        assert extract(connect(server), zone_at(tmp_path / "due"), "Account", since).rows == 20
        never = connect(server, formula_refresh_days=0)
        assert extract(never, zone_at(tmp_path / "never"), "Account", since).rows == 0


def load_all(zone: LandingZone, home: Path) -> dict[str, list[tuple[object, ...]]]:
    """The loaded tables, without what names the run."""
    with work_database(home / "warehouse.duckdb") as connection:
        load_landed(connection, zone.manifests("sf"), run_id="r")
        found = connection.execute("select table_name from duckdb_tables() where schema_name = 'raw_salesforce'")
        return {
            name: connection.execute(
                f'select * exclude (_extracted_at, _run_id) from raw_salesforce."{name}" order by "Id"'
            ).fetchall()
            for (name,) in found.fetchall()
        }


def storm(name: str, seed: int, root: Path) -> dict[str, list[tuple[object, ...]]]:
    """Read the small org under a storm, starting again as an operator would, compare, and load."""
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
        return load_all(zone, root)


@pytest.fixture(scope="module")
def faultless(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[object, ...]]]:
    """The tables a run without faults loads."""
    root = tmp_path_factory.mktemp("faultless")
    zone = zone_at(root)
    with running_simulator(small_company()) as server:
        for stream in small_company().salesforce:
            extract(connect(server), zone, stream)
    return load_all(zone, root)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_storm_of_every_fault_changes_nothing(
    tmp_path: Path, seed: int, faultless: dict[str, list[tuple[object, ...]]]
) -> None:
    assert storm("all", seed, tmp_path) == faultless


@pytest.mark.slow
@pytest.mark.parametrize("name", STORMS)
@pytest.mark.parametrize("seed", range(20))
def test_no_storm_changes_anything(
    tmp_path: Path, name: str, seed: int, faultless: dict[str, list[tuple[object, ...]]]
) -> None:
    assert storm(name, seed, tmp_path) == faultless
