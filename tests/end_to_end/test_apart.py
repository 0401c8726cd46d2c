"""Nights over accounts that keep something back, change without a stamp, or show more than the day before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from crmlift import pipeline
from crmlift.refusals import PartlyRead
from crmlift.simulator.company import Association, SimField
from crmlift.simulator.options import HS_SERVICE_KEY, SF_CLIENT_ID, SF_CLIENT_SECRET, ServerOptions
from crmlift.simulator.server import ServerInfo, running_simulator
from tests.crmlift.simulator.small_company import DEALS, OPPORTUNITIES, small_company

FIRST_DEAL, LAST_DEAL = "9000000000", str(9_000_000_000 + (DEALS - 2) * 7)


@dataclass
class Nights:
    """A served company and what nights over it leave."""

    server: ServerInfo
    home: Path
    number: int = 0

    def read(self) -> None:
        """One night up to the raw tables; both CRMs are asked, whatever one of them says."""
        self.number += 1
        told = None
        for source in ("sf", "hs"):
            try:
                pipeline.extract(source, run_id=f"n{self.number}")
            except PartlyRead as partly:
                told = partly
        pipeline.load(run_id=f"n{self.number}")
        self.server.served.company.as_of += timedelta(days=1)
        self.server.served.refresh()
        if told:
            raise told

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.home / "warehouse.duckdb"), read_only=True) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture(name="nights")
def _nights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Nights]:
    options = ServerOptions(job_polls=0, refused=getattr(request, "param", ()))
    company = small_company()
    deals, opportunities = company.hubspot["deals"], company.salesforce["Opportunity"]
    deals.fields = [*deals.fields, SimField("pipeline", "enumeration")]
    opportunities.fields = [*opportunities.fields, SimField("IsClosed", "boolean")]
    for row in deals.rows:
        row["pipeline"] = "default"
    for row in opportunities.rows:
        row["IsClosed"] = row["StageName"] != "Prospecting"
    with running_simulator(company, options) as server:
        trust = {"ca_bundle": str(server.ca_file)}
        sources = {
            "sf": {"type": "salesforce", "instance_url": server.base_url, **trust},
            "hs": {"type": "hubspot", "base_url": server.base_url, **trust},
        }
        (tmp_path / "crmlift.yml").write_text(json.dumps({"sources": sources}))
        told = {"CONFIG": tmp_path / "crmlift.yml", "HOME": tmp_path, "SF_CLIENT_ID": SF_CLIENT_ID}
        told |= {"SF_CLIENT_SECRET": SF_CLIENT_SECRET, "HS_ACCESS_TOKEN": HS_SERVICE_KEY}
        for name, value in told.items():
            monkeypatch.setenv(f"CRMLIFT_{name}", str(value))
        yield Nights(server, tmp_path)


@pytest.mark.parametrize("nights", [("Account", "contacts")], indirect=True)
def test_an_object_kept_back_is_a_finding_with_its_kpis_and_the_rest_is_there(nights: Nights) -> None:
    with pytest.raises(PartlyRead) as told:
        nights.read()
    assert told.value.exit_code == 12
    assert nights.query("select count(*) from raw_salesforce.Opportunity") == [(OPPORTUNITIES,)]
    assert nights.query("select count(*) > 700 from raw_hubspot.deals") == [(True,)]
    pipeline.transform(run_id="n1")
    said = (
        "select object, source_id, severity, state, len(affected_kpis) > 0 from ops.data_quality_finding "
        "where rule_id = 'unread_object' order by 1"
    )
    assert nights.query(said) == [
        ("Account", "sf", "warning", "open", True), ("contacts", "hs", "warning", "open", True),
    ]  # fmt: skip
    nights.server.app.state.salesforce.options = ServerOptions()
    nights.server.app.state.hubspot.options = ServerOptions()
    nights.read()
    pipeline.transform(run_id="n2")
    assert {row[3] for row in nights.query(said)} == {"resolved"}
    assert nights.query("select count(*) from raw_salesforce.Account") == [(20,)]
    assert nights.query("select count(*) from raw_hubspot.contacts") == [(7,)]


def test_what_moves_no_stamp_arrives_the_night_after(nights: Nights) -> None:
    company = nights.server.served.company
    account = company.salesforce["Account"]
    account.fields = [*account.fields, SimField("Region__c", "string")]
    hidden = [field for field in account.fields if field.name != "Region__c"]
    shown, account.fields = account.fields, hidden
    for row in account.rows:
        row["Region__c"] = "North"
    nights.server.served.refresh()
    nights.read()
    links = (
        f"select to_id from raw_hubspot.deals_associations where from_id in ('{FIRST_DEAL}', '{LAST_DEAL}') order by 1"
    )
    assert {to for (to,) in nights.query(links)} == {str(500 + n) for n in range(7)}

    account.fields = shown
    company.associations = [Association("deals", LAST_DEAL, "contacts", "503", type_id=3)]
    nights.server.served.refresh()
    nights.read()
    assert nights.query("select count(*) from raw_salesforce.Account where Region__c = 'North'") == [(20,)]
    assert nights.query(links) == [("503",)]
    assert nights.query("select sum(rows_read) from ops.load where stream = 'deals' and window_since is not null") == [
        (0,)
    ]
