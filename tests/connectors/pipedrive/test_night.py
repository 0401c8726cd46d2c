"""The same deals through Salesforce and through Pipedrive: core holds both, and the figures agree."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from crmlift import pipeline
from crmlift.registry import load_registry
from crmlift.simulator.build import build_company
from crmlift.simulator.options import PD_API_TOKEN, SF_CLIENT_ID, SF_CLIENT_SECRET, ServerOptions
from crmlift.simulator.pipedrive.account import PipedriveAccount
from crmlift.simulator.pipedrive.export import export_pipedrive
from crmlift.simulator.pipedrive.shapes import number_of
from crmlift.simulator.server import ServerInfo, running_simulator
from tests.connectors.pipedrive.sales_part import sales_part

SHARE = 25
NOT_COMPARED = ["Login*", "Task", "Event", "Lead*", "Case*", "Campaign*", "Contact"]
CORE_OF = {
    "app_user": "users", "account": "organizations", "contact": "persons", "opportunity": "deals",
    "activity": "activities", "lead": "leads", "product": "products", "opportunity_line": "deals_products",
}  # fmt: skip
"""core table → the exported stream it holds, record by record."""


@dataclass(frozen=True)
class Night:
    """A served company and the warehouse of a night over it."""

    server: ServerInfo
    home: Path

    @property
    def account(self) -> PipedriveAccount:
        found = self.server.app.state.pipedrive
        assert isinstance(found, PipedriveAccount)
        return found

    def load(self, run_id: str, *sources: str) -> None:
        for source in sources:
            pipeline.extract(source, run_id=run_id)
        pipeline.load(run_id=run_id)

    def query(self, sql: str, **given: Any) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.home / "warehouse.duckdb"), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return connection.execute(sql, given or None).fetchall()


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    folder = tmp_path_factory.mktemp("night")
    company = sales_part(build_company("known"), SHARE)
    with pytest.MonkeyPatch.context() as patch, running_simulator(company, ServerOptions(job_polls=0)) as server:
        trust = {"ca_bundle": str(server.ca_file)}
        sources = {
            "sf": {"type": "salesforce", "instance_url": server.base_url, "exclude": NOT_COMPARED, **trust},
            "pd": {"type": "pipedrive", "base_url": server.base_url, **trust},
        }
        settings = {"company": {"timezone": "Europe/Kyiv"}, "sources": sources}
        (folder / "crmlift.yml").write_text(json.dumps(settings))
        told = {"CONFIG": folder / "crmlift.yml", "HOME": folder, "SF_CLIENT_ID": SF_CLIENT_ID}
        told |= {"SF_CLIENT_SECRET": SF_CLIENT_SECRET, "PD_API_TOKEN": PD_API_TOKEN}
        for name, value in told.items():
            patch.setenv(f"CRMLIFT_{name}", str(value))
        found = Night(server, folder)
        found.load("one", "sf", "pd")
        pipeline.transform(run_id="one")
        yield found


def test_core_holds_what_is_exported(night: Night, tmp_path: Path) -> None:
    export_pipedrive(night.server.served.company, tmp_path)
    for table, stream in CORE_OF.items():
        rows = duckdb.sql(f"select * from '{tmp_path}/{stream}.parquet'")
        gone = "is_deleted" if "is_deleted" in rows.columns else "false"
        wanted = rows.aggregate(f"count(*), count(*) filter ({gone})").fetchall()
        found = night.query(f"select count(*), count(*) filter (is_deleted) from core.{table} where source_id = 'pd'")
        assert found == wanted and found[0][0] > 0, table
    stages = len(night.account.records("stages")) + 2
    assert night.query("select count(*) from core.pipeline_stage where source_id = 'pd'") == [(stages,)]
    assert night.query("select count(*) from ops.rejected_row") == [(0,)]


def test_the_course_of_each_deal_is_the_one_in_its_log(night: Night) -> None:
    wanted = set()
    for deal in night.account.records("deals"):
        log = [entry["data"] for entry in reversed(night.account.deals.flow(deal["id"]) or [])]
        moves = [c for c in log if c["field_key"] in ("stage_id", "status")]
        if deal["update_time"] == deal["add_time"]:
            wanted.add((str(deal["id"]), deal["add_time"], str(deal["stage_id"])))
            continue
        stages = [c["old_value"] for c in moves if c["field_key"] == "stage_id"]
        stage, state, now = (stages or [str(deal["stage_id"])])[0], "open", None
        for at, key, value in [
            (deal["add_time"], "", ""),
            *((c["log_time"], c["field_key"], c["new_value"]) for c in moves),
        ]:
            stage, state = (value if key == "stage_id" else stage), (value if key == "status" else state)
            before, now = now, stage if state == "open" else state
            if now != before:
                wanted.add((str(deal["id"]), at.replace(" ", "T").removesuffix("Z") + "Z", now))
    found = night.query(
        "select split_part(opportunity_id, ':', 2), strftime(entered_at, '%Y-%m-%dT%H:%M:%SZ'), "
        "split_part(stage_key, ':', 4) from core.opportunity_stage_history where source_id = 'pd'"
    )
    at_once = {(deal, at) for deal, at, _ in wanted}
    assert {row for row in found} - wanted == set()
    assert len(wanted) - len(found) <= len(wanted) - len(at_once)  # a deal closed at birth shows its last stage only


@pytest.mark.parametrize("kpi", ["won_revenue", "won_deals", "win_rate", "avg_deal_size"])
def test_figures_of_the_same_deals_agree(night: Night, kpi: str) -> None:
    (wanted,) = [each for each in load_registry() if each.kpi_id == kpi]
    known = wanted.params | {"as_of": night.server.served.company.as_of, "timezone": "Europe/Kyiv"}
    given = {name: known[name] for name in wanted.parameters}
    rows = night.query(f"select source_id, unit_id, event_at, team_id, num, den from ({wanted.sql})", **given)
    found: dict[str, dict[int, tuple[Any, ...]]] = {"sf": {}, "pd": {}}
    for source, unit, at, team, num, den in rows:
        native = unit.split(":")[1]
        number = int(native) if source == "pd" else int(str(number_of(native)))
        found[source][number] = (at.replace(microsecond=0), team, round(num, 2), den)
    assert len(found["sf"]) > 50 and found["pd"] == found["sf"]


def test_a_second_night_brings_what_changed_and_what_is_gone(night: Night) -> None:
    company = night.server.served.company
    rows = [row for row in company.salesforce["Opportunity"].rows if not row["IsDeleted"] and not row["IsClosed"]]
    at = company.as_of + timedelta(hours=1)
    for row in rows[:2]:
        row |= {"SystemModstamp": at, "Amount": 4711.0}
    rows[1]["IsDeleted"] = True
    gone = company.salesforce["Contact"].rows.pop(0)
    still = {row["Id"] for row in company.salesforce["Opportunity"].rows if not row["IsDeleted"]} - {rows[0]["Id"]}
    lines = [line for line in company.salesforce["OpportunityLineItem"].rows if line["OpportunityId"] in still]
    taken, moved = lines[0], lines[-1]  # no deal is touched by what happens to these
    company.salesforce["OpportunityLineItem"].rows.remove(taken)
    moved["Quantity"] = 99.0
    company.as_of += timedelta(days=8)
    night.server.served.refresh()
    night.load("two", "pd")
    ids = [number_of(row["Id"]) for row in rows[:2]]
    sql = "select id, value, is_deleted from raw_pipedrive.deals where update_time = $at"
    assert set(night.query(sql, at=at)) == {(str(ids[0]), 4711, False), (str(ids[1]), 4711, True)}
    assert night.query("select id from raw_pipedrive.persons where _deleted") == [(str(number_of(gone["Id"])),)]
    left = night.query("select id, quantity from raw_pipedrive.deals_products")
    assert {number for _, number in left} >= {99.0}
    assert str(number_of(taken["Id"])) not in {str(line) for line, _ in left}
    loaded = night.query(
        "select rows_read from ops.load where stream = 'deals' and source_id = 'pd' order by loaded_at"
    )
    assert loaded[1] == (2,) and isinstance(company.as_of, datetime)
