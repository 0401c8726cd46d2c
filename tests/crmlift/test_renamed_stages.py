"""Stages that get another name or go: what deals did and became stays what it was."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from crmlift.sql_models import lineage
from crmlift.sql_runner import run_models
from tests.golden import PARAMETERS, models

Connection = duckdb.DuckDBPyConnection
DEALS = (
    "select opportunity_id, status, stage_key, closed_at, close_basis, qualified_at, is_countable from core.opportunity "
    "order by all"
)
HISTORY = "select opportunity_id, seq, stage_key, entered_at, exited_at, basis from core.opportunity_stage_history order by all"
STAGES = [("Prospecting", 10, False, False), ("Proposal", 50, False, False), ("Signed", 100, True, True),
          ("Refused", 0, True, False)]  # fmt: skip


def put(connection: Connection, table: str, columns: str, rows: list[tuple[Any, ...]]) -> None:
    marks = ", ".join("?" for _ in columns.split(","))
    connection.executemany(f"insert into {table} ({columns}) values ({marks})", rows)


def core(connection: Connection) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Deals and their histories, made anew."""
    upstream = lineage(models(), "core.opportunity").names()
    run_models(connection, [m for m in models() if m.name in upstream and not m.is_view], PARAMETERS, "r")
    return connection.execute(DEALS).fetchall(), connection.execute(HISTORY).fetchall()


def labels(connection: Connection) -> dict[str, tuple[Any, ...]]:
    found = connection.execute(
        "select stage_native_id, stage_label, is_closed, is_won, is_listed from core.pipeline_stage"
    ).fetchall()
    return {row[0]: row[1:] for row in found}


def salesforce(connection: Connection) -> None:
    """A deal won on 1 March by way of two stages, one lost, one open; the close dates were typed months later."""
    put(connection, "raw_salesforce.OpportunityStage",
        "Id, ApiName, MasterLabel, IsActive, SortOrder, DefaultProbability, IsClosed, IsWon, _source_id, _deleted",
        [(name, name, name, True, at, chance, closed, won, "sf", False)
         for at, (name, chance, closed, won) in enumerate(STAGES)])  # fmt: skip
    put(connection, "raw_salesforce.Opportunity",
        "Id, StageName, IsClosed, IsWon, CreatedDate, CloseDate, IsDeleted, _source_id, _deleted",
        [("won", "Signed", True, True, "2026-01-05T10:00:00Z", "2026-08-01", False, "sf", False),
         ("lost", "Refused", True, False, "2026-01-05T10:00:00Z", "2026-08-01", False, "sf", False),
         ("open", "Proposal", False, False, "2026-01-05T10:00:00Z", "2026-12-01", False, "sf", False)])  # fmt: skip
    put(connection, "raw_salesforce.OpportunityHistory", "Id, OpportunityId, StageName, CreatedDate, _source_id",
        [(f"{deal}{at}", deal, name, f"2026-0{at + 1}-01T10:00:00Z", "sf")
         for deal, names in (("won", ("Prospecting", "Proposal", "Signed")), ("lost", ("Prospecting", "Refused")),
                             ("open", ("Prospecting", "Proposal")))
         for at, name in enumerate(names)])  # fmt: skip


def hubspot(connection: Connection) -> None:
    """The same in HubSpot: stages have ids."""
    put(connection, "raw_hubspot.pipeline_stages",
        "object_type, pipeline_id, stage_id, label, display_order, is_closed, probability, _source_id, _deleted",
        [("deals", "p", f"s{at}", name, at, closed, chance / 100, "hs", False)
         for at, (name, chance, closed, _) in enumerate(STAGES)])  # fmt: skip
    put(connection, "raw_hubspot.deals",
        "id, pipeline, dealstage, hs_is_closed, hs_is_closed_won, createdate, closedate, archived, _source_id, _deleted",
        [("won", "p", "s2", None, None, "2026-01-05T10:00:00Z", "2026-08-01T00:00:00Z", False, "hs", False),
         ("lost", "p", "s3", True, False, "2026-01-05T10:00:00Z", "2026-08-01T00:00:00Z", False, "hs", False)])  # fmt: skip
    put(connection, "raw_hubspot.deals_history", 'record_id, property, seq, value, "at", _source_id',
        [(deal, "dealstage", at, stage, f"2026-0{at + 1}-01T10:00:00Z", "hs")
         for deal, stages in (("won", ("s0", "s1", "s2")), ("lost", ("s0", "s3")))
         for at, stage in enumerate(stages)])  # fmt: skip


SYSTEMS = {
    "salesforce": (salesforce, "raw_salesforce.OpportunityStage", "MasterLabel", "Signed"),
    "hubspot": (hubspot, "raw_hubspot.pipeline_stages", "label", "s2"),
}


@pytest.mark.parametrize("system", SYSTEMS)
def test_another_label_changes_nothing_but_the_label(connection: Connection, system: str) -> None:
    make, table, label, won = SYSTEMS[system]
    make(connection)
    before = core(connection)
    assert [row[1] for row in before[0] if row[0].endswith(":won")] == ["won"]
    connection.execute(f"update {table} set {label} = 'Lost, test and duplicate'")
    assert core(connection) == before
    assert labels(connection)[won] == ("Lost, test and duplicate", True, True, True)


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_stage_taken_off_the_list_stays_what_it_was(connection: Connection, system: str) -> None:
    make, table, _, won = SYSTEMS[system]
    make(connection)
    before = core(connection)
    connection.execute(f"update {table} set _deleted = true")
    assert core(connection) == before
    assert labels(connection)[won][1:] == (True, True, True)


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_list_we_never_saw_leaves_the_records_own_flags(connection: Connection, system: str) -> None:
    make, table, _, _ = SYSTEMS[system]
    make(connection)
    before = core(connection)
    connection.execute(f"delete from {table}; update raw_hubspot.deals set hs_is_closed = true, hs_is_closed_won = true "
                       "where id = 'won'")  # fmt: skip
    deals, history = core(connection)
    assert history == before[1]
    kept = slice(0, 5)  # without its probability nothing tells a qualified stage
    assert [row[kept] for row in deals] == [row[kept] for row in before[0]]
    assert {stage[1:] for stage in labels(connection).values()} <= {
        (True, True, False), (True, False, False), (False, False, False),
    }  # fmt: skip


def test_a_replaced_value_of_salesforce_closes_when_it_did(connection: Connection) -> None:
    """Replacing a value renames it on the records and leaves their histories with the old one."""
    salesforce(connection)
    (before, history) = core(connection)
    connection.execute(
        "delete from raw_salesforce.OpportunityStage where ApiName in ('Signed', 'Prospecting'); "
        "update raw_salesforce.OpportunityStage set ApiName = 'Sold', MasterLabel = 'Sold', IsWon = true where ApiName = 'Refused'; "
        "update raw_salesforce.Opportunity set StageName = 'Sold' where StageName = 'Signed'; "
        "update raw_salesforce.Opportunity set StageName = 'Gone' where StageName = 'Refused'"
    )
    deals, after = core(connection)
    assert after == history
    assert [(row[0], row[1], row[3], row[4]) for row in deals] == [(row[0], row[1], row[3], row[4]) for row in before]
    known = labels(connection)
    assert known["Signed"] == ("Signed", True, True, False)
    assert known["Refused"] == ("Refused", True, False, False)
    assert known["Prospecting"] == ("Prospecting", False, False, False)


def test_a_replaced_status_of_cases_closes_when_it_did(connection: Connection) -> None:
    """A case reopened once: its history keeps the old status, which the list and the record no longer have."""
    put(connection, "raw_salesforce.CaseStatus", "Id, ApiName, MasterLabel, SortOrder, IsClosed, _source_id, _deleted",
        [("1", "New", "New", 1, False, "sf", False), ("2", "Solved", "Solved", 2, True, "sf", False)])  # fmt: skip
    put(connection, "raw_salesforce.Case", "Id, Status, IsClosed, CreatedDate, ClosedDate, IsDeleted, _source_id, _deleted",
        [("a", "Solved", True, "2026-01-05T10:00:00Z", "2026-08-01T10:00:00Z", False, "sf", False),
         ("b", "New", False, "2026-01-05T10:00:00Z", None, False, "sf", False)])  # fmt: skip
    put(connection, "raw_salesforce.CaseHistory", "Id, CaseId, Field, OldValue, NewValue, CreatedDate, _source_id",
        [("1", "a", "Status", "New", "Solved", "2026-02-01T10:00:00Z", "sf"),
         ("2", "a", "Status", "Solved", "New", "2026-03-01T10:00:00Z", "sf"),
         ("3", "a", "Status", "New", "Solved", "2026-04-01T10:00:00Z", "sf"),
         ("4", "b", "Status", "Asked", "New", "2026-02-01T10:00:00Z", "sf")])  # fmt: skip

    def tickets() -> list[tuple[Any, ...]]:
        upstream = lineage(models(), "core.ticket").names()
        run_models(connection, [m for m in models() if m.name in upstream and not m.is_view], PARAMETERS, "r")
        return connection.execute(
            "select ticket_id, status, closed_at, reopen_count, last_reopened_at from core.ticket order by 1"
        ).fetchall()

    before = tickets()
    assert [(row[1], row[3]) for row in before] == [("closed", 1), ("new", 0)]
    connection.execute(
        "update raw_salesforce.CaseStatus set ApiName = 'Done', MasterLabel = 'Done' where Id = '2'; "
        "update raw_salesforce.Case set Status = 'Done' where Id = 'a'"
    )
    assert tickets() == before
    assert labels(connection)["Solved"] == ("Solved", True, False, False)
    assert labels(connection)["Asked"] == ("Asked", False, False, False)
