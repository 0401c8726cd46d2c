"""Rules that look at what the sources themselves say: who created records, and what closes a ticket."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from crmlift.quality import check_quality
from crmlift.registry import load_registry
from tests.crmlift.files_night import night
from tests.golden import AS_OF

Connection = duckdb.DuckDBPyConnection
START = datetime(2026, 1, 5, 10, tzinfo=UTC)
KPIS = load_registry()


def of_rule(connection: Connection, rule_id: str) -> list[tuple[object, ...]]:
    check_quality(connection, as_of=AS_OF, run_id="r", kpis=KPIS)
    return connection.execute(
        "select severity, object, source_id, failing_rows, total_rows, sample_ids from ops.data_quality_finding "
        "where rule_id = ? and state = 'open' order by object, source_id",
        [rule_id],
    ).fetchall()


def made(connection: Connection, table: str, creator: str, days: list[float]) -> None:
    """Records of one creator, so many days after the start each."""
    key, by, at = ("id", "hs_created_by_user_id", "createdate")
    if table.startswith("raw_salesforce"):
        key, by, at = ("Id", "CreatedById", "CreatedDate")
    connection.executemany(
        f"insert into {table} ({key}, {by}, {at}, _source_id, _deleted) values (uuid(), ?, ?, ?, false)",
        [[creator, START + timedelta(days=day), "sf" if key == "Id" else "hs"] for day in days],
    )


def test_a_migration_of_several_days_is_known_by_who_made_it(connection: Connection) -> None:
    """A tenth a day for three days, by one user; the others work the year round."""
    year = [n * 0.9 for n in range(300)]
    for table, importer, people in (
        ("raw_salesforce.Opportunity", "005i", ("005a", "005b")), ("raw_salesforce.Case", "005i", ("005a", "005b")),
        ("raw_hubspot.deals", "900", ("901", "902")),
    ):  # fmt: skip
        made(connection, table, importer, [100 + n / 100 for n in range(300)] + [200, 220, 240])
        for person in people:
            made(connection, table, person, year)
    assert of_rule(connection, "migrating_creator") == [
        ("blocking", "opportunity", "hs", 303, 903, ["900"]),
        ("blocking", "opportunity", "sf", 303, 903, ["sf:005i"]),
        ("blocking", "ticket", "sf", 303, 903, ["sf:005i"]),
    ]


def test_who_makes_most_records_all_year_is_no_migration(connection: Connection) -> None:
    """An integration that makes nearly all leads, a seller with a busy week, a young company, a small import."""
    made(connection, "raw_salesforce.Lead", "005i", [n * 0.2 for n in range(1400)])
    made(
        connection,
        "raw_salesforce.Opportunity",
        "005a",
        [n * 0.5 for n in range(500)] + [60 + n / 20 for n in range(100)],
    )
    made(connection, "raw_salesforce.Opportunity", "005b", [100 + n / 50 for n in range(100)])
    made(connection, "raw_hubspot.deals", "900", [n / 10 for n in range(300)])
    assert of_rule(connection, "migrating_creator") == []


def test_tickets_closed_by_one_and_open_by_the_other(connection: Connection) -> None:
    connection.execute(
        "insert into core.pipeline_stage (stage_key, source_id, object, is_closed, is_won, is_listed) values "
        "('done', 'sf', 'ticket', true, false, true), ('gone', 'sf', 'ticket', false, false, false); "
        "insert into core.ticket (ticket_id, source_id, created_at, status, stage_key, is_countable, is_deleted) "
        "select 'sf:' || i, 'sf', timestamptz '2026-01-05 10:00:00+00' + to_hours(i::integer), "
        "if(i < 98, 'closed', 'open'), 'done', true, i = 99 from range(100) as r(i); "
        "insert into core.ticket (ticket_id, source_id, created_at, status, stage_key, is_countable, is_deleted) "
        "values ('sf:x', 'sf', timestamptz '2026-01-05 10:00:00+00', 'closed', 'gone', true, false)"
    )
    assert of_rule(connection, "contradictory_ticket_flags") == [("warning", "ticket", "sf", 1, 99, ["sf:98"])]


def test_a_sheet_without_people_bars_nothing_and_is_cured_by_mapping_it_again(tmp_path: Path) -> None:
    (tmp_path / "deals.csv").write_text(
        "No,Seller,Branch,Stage,Sum,Closed\n"
        + "".join(f"{n},Seller {n % 3},{'NS'[n % 3 % 2]}orth,won,{n},2026-05-{n + 1:02d}\n" for n in range(12))
    )
    columns = {"id": "No", "owner": "Seller", "status": "Stage", "amount": "Sum", "closed_at": "Closed"}
    files: dict[str, Any] = {"deals": {"path": "deals.csv", "entity": "opportunity", "columns": columns}}
    with night(tmp_path, files) as connection:
        assert of_rule(connection, "missing_owner") == []
        [(severity, *_)] = of_rule(connection, "unmapped_owner")
        assert severity == "warning"
    people = {"path": "deals.csv", "entity": "user", "columns": {"id": "Seller", "name": "Seller", "team": "Branch"}}
    with night(tmp_path, files | {"people": people}) as connection:
        assert of_rule(connection, "unmapped_owner") == of_rule(connection, "missing_owner") == []
        assert connection.execute("select user_id, team_id from core.app_user order by 1").fetchall() == [
            ("old:Seller 0", "team:north"), ("old:Seller 1", "team:sorth"), ("old:Seller 2", "team:north"),
        ]  # fmt: skip
        assert connection.execute(
            "select rows_read, rows_repeated, rows_rejected from ops.load where stream = 'user'"
        ).fetchall() == [(12, 9, 0)]
