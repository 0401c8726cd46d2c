"""What moves no stamp in real accounts moves none here: archives, late links, fields shown later, broken promises."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from connectors.salesforce.connector import SalesforceConnector
from crmlift.simulator.build import build_company
from crmlift.simulator.company import Company
from crmlift.simulator.ids import case_safe
from crmlift.simulator.options import ServerOptions
from crmlift.simulator.server import running_simulator
from crmlift.warehouse.load import load_landed
from crmlift.warehouse.store import work_database
from tests.connectors.salesforce.orgs import connect, extract, zone_at
from tests.crmlift.simulator.small_company import OPPORTUNITIES, small_company
from tests.crmlift.simulator.two_moments import LATER


def test_activities_older_than_a_year_are_in_the_archive(earlier: Company, later: Company) -> None:
    for name, over in (("Task", "CompletedDateTime"), ("Event", "StartDateTime")):
        rows = later.salesforce[name].rows
        assert {row["IsArchived"] for row in rows} == {True, False}
        for row in rows:
            took_place = row[over]
            assert row["IsArchived"] == (isinstance(took_place, datetime) and took_place < LATER - timedelta(days=365))
        before = {row["Id"]: row for row in earlier.salesforce[name].rows}
        moved = [row for row in rows if row["IsArchived"] and not before.get(row["Id"], row)["IsArchived"]]
        assert moved and any(row["SystemModstamp"] == before[row["Id"]]["SystemModstamp"] for row in moved)


def test_some_links_are_made_days_after_the_call_and_stamp_nothing(earlier: Company, later: Company) -> None:
    def linked(company: Company) -> set[str]:
        return {a.from_id for a in company.associations if a.from_type == "calls" and a.to_type == "contacts"}

    before = {row["id"]: row for row in earlier.hubspot["calls"].rows if not row["archived"]}
    late = [
        row
        for row in later.hubspot["calls"].rows
        if row["id"] in before and row["id"] in linked(later) - linked(earlier)
    ]
    unstamped = [row for row in late if row["updatedAt"] == before[row["id"]]["updatedAt"]]
    assert unstamped and len(late) < len(before) / 10


def test_a_field_is_seen_from_a_day_on_and_its_records_are_not_stamped() -> None:
    hidden, shown = (build_company("known", as_of=datetime(2025, 6, day, tzinfo=UTC)) for day in (1, 3))
    names = [{field.name for field in c.salesforce["Opportunity"].fields} for c in (hidden, shown)]
    assert names[1] - names[0] == {"Loss_Reason__c"}
    assert all("Loss_Reason__c" not in row for row in hidden.salesforce["Opportunity"].rows)
    stamps = {row["Id"]: row["SystemModstamp"] for row in hidden.salesforce["Opportunity"].rows}
    known = [
        r
        for r in shown.salesforce["Opportunity"].rows
        if r["Loss_Reason__c"] and r["SystemModstamp"] == stamps.get(r["Id"])
    ]
    assert known


def test_a_promise_is_broken_by_the_clock_alone(later: Company) -> None:
    hour = timedelta(hours=1)
    late = next(
        row for row in later.salesforce["CaseMilestone"].rows
        if isinstance(row["CompletionDate"], datetime) and row["CompletionDate"] - row["TargetDate"] > 3 * hour  # type: ignore[operator]
    )  # fmt: skip
    seen = []
    for at in (late["TargetDate"] - hour, late["TargetDate"] + hour):  # type: ignore[operator]
        rows = build_company("known", as_of=at).salesforce["CaseMilestone"].rows
        seen += [
            (row["IsViolated"], row["IsCompleted"], row["SystemModstamp"]) for row in rows if row["Id"] == late["Id"]
        ]
    (before, _, stamp), (after, is_completed, stamp_after) = seen
    assert (before, after, is_completed) == (False, True, False) and stamp == stamp_after


def test_formulas_write_ids_in_fifteen_characters_which_still_name_one_record(later: Company) -> None:
    rows = [row for row in later.salesforce["Opportunity"].rows if row["AccountId"]]
    assert {len(str(row["Account_Key__c"])) for row in rows} == {15}
    assert all(case_safe(str(row["Account_Key__c"])) == row["AccountId"] for row in rows)


def counted(connector: SalesforceConnector, path: str, where: str = "") -> int:
    asked = {"q": f"SELECT COUNT() FROM Task{where}"}
    return int(connector._client.get(path, "counting", params=asked).json()["totalSize"])


def test_the_archive_is_out_of_sight_for_query_and_not_for_query_all() -> None:
    company = build_company("known", as_of=LATER)
    company.salesforce = {name: company.salesforce[name] for name in ("User", "Task")}
    rows = company.salesforce["Task"].rows
    with running_simulator(company) as server:
        connector = connect(server)
        assert counted(connector, "queryAll/") == len(rows)
        assert counted(connector, "queryAll/", " WHERE IsDeleted = false") == sum(not r["IsDeleted"] for r in rows)
        assert counted(connector, "query/") == sum(not (r["IsDeleted"] or r["IsArchived"]) for r in rows)


def test_records_that_come_twice_leave_the_newer_one(tmp_path: Path) -> None:
    options = ServerOptions(has_repeats=True, bulk_page_size=500)
    with running_simulator(small_company(), options) as server:
        manifest = extract(connect(server, bulk_threshold_rows=0), zone_at(tmp_path), "Opportunity")
    assert manifest.rows == OPPORTUNITIES + 9
    with work_database(tmp_path / "w.duckdb") as connection:
        load_landed(connection, zone_at(tmp_path).manifests("sf"), run_id="r")
        found = connection.execute(
            "select count(*), count(distinct Id), count(*) filter (Name = 'as it was') from raw_salesforce.Opportunity"
        ).fetchone()
        reconciled = connection.execute("select is_reconciled from ops.load").fetchall()
    assert found == (OPPORTUNITIES, OPPORTUNITIES, 0) and reconciled == [(True,)]


def test_a_number_property_holds_what_people_and_hubspot_write_into_it(later: Company) -> None:
    sizes = {row["fleet_size"] for row in later.hubspot["deals"].rows}
    assert {"about 40", None, 12} <= sizes
    numbers = {row["hs_hd_ticket_ids"] for row in later.hubspot["emails"].rows}
    assert (
        "" in numbers and any(isinstance(n, str) and ";" in n for n in numbers) and any(type(n) is int for n in numbers)
    )
    kinds = {f.name: f.type for name in ("deals", "emails") for f in later.hubspot[name].fields}
    assert kinds["fleet_size"] == kinds["hs_hd_ticket_ids"] == "number"


def test_an_import_lost_the_birthdays_of_a_few_deals(later: Company) -> None:
    rows = later.salesforce["Opportunity"].rows
    lost = [row for row in rows if row["CreatedDate"] == datetime(1970, 1, 1, tzinfo=UTC)]
    assert 3 <= len(lost) <= len(rows) / 1000
    assert all(row["LastModifiedDate"] > datetime(2024, 1, 1, tzinfo=UTC) for row in lost)  # type: ignore[operator]


def test_invited_colleagues_and_series_leave_technical_copies(earlier: Company, later: Company) -> None:
    events = {row["Id"]: row for row in later.salesforce["Event"].rows}
    children = [row for row in events.values() if row["IsChild"]]
    groups = [row for row in events.values() if row["IsGroupEvent"] and not row["IsChild"]]
    assert 0 < len(groups) < len(children) < len(events) / 5
    place = ("StartDateTime", "WhatId", "SystemModstamp", "IsDeleted")
    assert {tuple(row[n] for n in place) for row in children} == {tuple(row[n] for n in place) for row in groups}
    for name in ("Task", "Event"):
        rows = {row["Id"]: row for row in later.salesforce[name].rows}
        heads = {row["Id"] for row in rows.values() if row["IsRecurrence"]}
        members = [row for row in rows.values() if row["RecurrenceActivityId"] and not row["IsRecurrence"]]
        assert (
            heads
            and {row["RecurrenceActivityId"] for row in members} == heads
            and len(rows) == len(later.salesforce[name].rows)
        )
        gone = {row["Id"] for row in earlier.salesforce[name].rows} - rows.keys()
        assert gone <= {record for record, _ in later.purged[name]}
