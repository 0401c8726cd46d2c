# ruff: noqa: E501
"""The pieces of the transform benchmark, each run in a process of its own: the raw tables, a night, a day's changes."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from crmlift import pipeline
from crmlift.places import MODELS
from crmlift.sql_models import load_models
from crmlift.sql_runner import prepare_raw
from crmlift.warehouse.store import work_database

AS_OF = datetime(2026, 11, 2, tzinfo=UTC)
SETTINGS = """
company: {currency: EUR, timezone: Europe/Kyiv}
sources: {sf: {type: salesforce}, hs: {type: hubspot}}
rollouts:
  - id: crm
    waves:
      - {id: one, members: [Team 0, Team 1, Team 2, Team 3, Team 4, Team 5, Team 6, Team 7], go_live: 2025-10-06}
      - {id: two, members: [Team 8, Team 9, Team 10, Team 11, Team 12, Team 13, Team 14], go_live: 2026-01-05}
    controls: [Team 15, Team 16, Team 17, Team 18, Team 19, Team 20, Team 21, Team 22, Team 23]
"""
USERS, TEAMS, STAMP = 600, 24, "timestamptz '2024-11-04 08:00:00+00'"
SPAN_S = 62_000_000
"""Seconds between the first record and the last: not quite two years."""
MADE = f"{STAMP} + to_seconds(hash(i, {{salt}}) % {SPAN_S})"
OWNER = "'005' || lpad(cast(pick(i, 'owner', " + str(USERS) + ") as varchar), 15, '0')"
LATER = "to_seconds(3600 + pick(i, {salt}, {seconds}))"


def build(home: Path, deals: int, activities: int, tickets: int) -> None:
    """Raw tables of both CRMs, set by set: half of the deals and activities in each, all tickets in HubSpot."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "crmlift.yml").write_text(SETTINGS, encoding="utf-8")
    with work_database(home / "warehouse.duckdb") as connection:
        prepare_raw(connection, load_models(MODELS))
        connection.execute("set preserve_insertion_order = false")
        connection.execute("create temp macro pick(i, salt, n) as cast(hash(i, salt) % n as bigint)")
        _people(connection)
        _salesforce(connection, deals // 2, activities // 2)
        _hubspot(connection, deals - deals // 2, activities - activities // 2, tickets)
        for source_id in ("sf", "hs"):
            connection.execute(
                "insert or replace into ops.cursor (source_id, stream, read_until, updated_at) values (?, 'all', ?, now())",
                [source_id, AS_OF],
            )


def _put(connection: duckdb.DuckDBPyConnection, table: str, source_id: str, select: str) -> None:
    connection.execute(
        f"insert into {table} by name select *, '{source_id}' as _source_id, false as _deleted, "
        f"{STAMP} as _extracted_at, 'bench' as _run_id from ({select})"
    )


def _people(connection: duckdb.DuckDBPyConnection) -> None:
    role = "'00E' || lpad(cast(i % {teams} as varchar), 15, '0')"
    users = f"from range({USERS}) as r(i)"
    _put(connection, "raw_salesforce.UserRole", "sf", f"select {role.format(teams=TEAMS)} as Id, "
         f"'Team ' || i as Name from range({TEAMS}) as r(i)")  # fmt: skip
    _put(connection, "raw_salesforce.User", "sf", "select '005' || lpad(cast(i as varchar), 15, '0') as Id, "
         "'u' || i || '@example.com' as Email, 'User ' || i as Name, true as IsActive, 'Standard' as UserType, "
         f"{role.format(teams=TEAMS)} as UserRoleId, {STAMP} as CreatedDate, {STAMP} as LastModifiedDate {users}")  # fmt: skip
    _put(connection, "raw_hubspot.owners", "hs", "select cast(i as varchar) as id, 'u' || i || '@example.com' as email, "
         "'User' as firstName, cast(i as varchar) as lastName, cast(9000 + i as varchar) as userId, 'PERSON' as type, "
         f"cast('[{{\"id\": \"' || i % {TEAMS} || '\", \"name\": \"Team ' || i % {TEAMS} || '\", \"primary\": true}}]' as json) "
         f"as teams, {STAMP} as createdAt, {STAMP} as updatedAt, false as archived {users}")  # fmt: skip
    days = f"from range({USERS}) as r(i), range(500) as d(d)"
    _put(connection, "raw_salesforce.LoginHistory", "sf", "select 'l' || i || '-' || d as Id, "
         "'005' || lpad(cast(i as varchar), 15, '0') as UserId, "
         f"{STAMP} + to_days(cast(d + 200 as integer)) as LoginTime, 'Application' as LoginType, 'Success' as Status {days}")  # fmt: skip


def _salesforce(connection: duckdb.DuckDBPyConnection, deals: int, tasks: int) -> None:
    stages = [("Prospecting", 10, 0, 0), ("Proposal", 50, 0, 0), ("Closed Won", 100, 1, 1), ("Closed Lost", 0, 1, 0)]
    for order, (name, chance, closed, won) in enumerate(stages):
        _put(connection, "raw_salesforce.OpportunityStage", "sf", f"select 's{order}' as Id, '{name}' as ApiName, "
             f"'{name}' as MasterLabel, true as IsActive, {order} as SortOrder, {closed} = 1 as IsClosed, {won} = 1 as IsWon, "
             f"{chance} as DefaultProbability")  # fmt: skip
    key = "'006' || lpad(cast(i as varchar), 15, '0')"
    account = "'001' || lpad(cast(pick(i, 'account', " + str(max(deals // 10, 1)) + ") as varchar), 15, '0')"
    stage = (
        "['Prospecting', 'Proposal', 'Closed Won', 'Closed Lost', 'Closed Lost', 'Closed Won'][1 + pick(i, 'stage', 6)]"
    )
    made, ended = MADE.format(salt="'deal'"), LATER.format(salt="'cycle'", seconds=8_000_000)
    _put(connection, "raw_salesforce.Account", "sf", "select '001' || lpad(cast(i as varchar), 15, '0') as Id, "
         f"'Firm ' || i as Name, ['Retail', 'Farms', 'Steel'][1 + i % 3] as Industry, {OWNER} as OwnerId, "
         f"{STAMP} as CreatedDate, false as IsDeleted from range({max(deals // 10, 1)}) as r(i)")  # fmt: skip
    _put(connection, "raw_salesforce.Opportunity", "sf", f"select {key} as Id, 'Deal ' || i as Name, {account} as AccountId, "
         f"{OWNER} as OwnerId, {stage} as StageName, starts_with({stage}, 'Closed') as IsClosed, "
         f"{stage} = 'Closed Won' as IsWon, 500 + pick(i, 'amount', 20000) as Amount, 'EUR' as CurrencyIsoCode, "
         f"['New Business', 'Existing Business'][1 + i % 2] as Type, 50 as Probability, {made} as CreatedDate, "
         f"cast({made} + {ended} as date) as CloseDate, {made} + {ended} as LastModifiedDate, {OWNER} as CreatedById, "
         f"['Web', 'Fair', 'Partner'][1 + i % 3] as LeadSource, false as IsDeleted from range({deals}) as r(i)")  # fmt: skip
    moves = f"from range({deals}) as r(i), range(3) as m(m)"
    reached = f"case m when 0 then 'Prospecting' when 1 then 'Proposal' else {stage} end"
    _put(connection, "raw_salesforce.OpportunityHistory", "sf", f"select 'h' || i || '-' || m as Id, {key} as OpportunityId, "
         f"{reached} as StageName, 500 + pick(i, 'amount', 20000) as Amount, 50 as Probability, "
         f"cast({made} + {ended} as date) as CloseDate, {made} + {ended} * m / 2 as CreatedDate, {OWNER} as CreatedById, "
         f"false as IsDeleted {moves}")  # fmt: skip
    done = MADE.format(salt="'task'")
    _put(connection, "raw_salesforce.Task", "sf", "select '00T' || lpad(cast(i as varchar), 15, '0') as Id, "
         f"['Call', 'Email', 'Task'][1 + i % 3] as TaskSubtype, {OWNER} as OwnerId, {OWNER} as CreatedById, "
         f"'006' || lpad(cast(pick(i, 'deal', {max(deals, 1)}) as varchar), 15, '0') as WhatId, 'Completed' as Status, "
         f"true as IsClosed, cast({done} as date) as ActivityDate, {done} as CompletedDateTime, "
         f"{done} as CreatedDate, false as IsDeleted from range({tasks}) as r(i)")  # fmt: skip


def _hubspot(connection: duckdb.DuckDBPyConnection, deals: int, calls: int, tickets: int) -> None:
    _pipelines(connection)
    owner = f"cast(pick(i, 'owner', {USERS}) as varchar)"
    stage = "['d0', 'd1', 'd2', 'd3', 'd2', 'd3'][1 + pick(i, 'stage', 6)]"
    made, ended = MADE.format(salt="'deal'"), LATER.format(salt="'cycle'", seconds=8_000_000)
    _put(connection, "raw_hubspot.deals", "hs", f"select cast(i as varchar) as id, 'Deal ' || i as dealname, 'p' as pipeline, "
         f"{stage} as dealstage, {stage} in ('d2', 'd3') as hs_is_closed, {stage} = 'd2' as hs_is_closed_won, "
         f"500 + pick(i, 'amount', 20000) as amount, 'EUR' as deal_currency_code, 'newbusiness' as dealtype, "
         f"{made} + {ended} as closedate, {made} as createdate, {owner} as hubspot_owner_id, {made} + {ended} as "
         f"hs_lastmodifieddate, 'REFERRALS' as hs_analytics_source, false as archived from range({deals}) as r(i)")  # fmt: skip
    _history(
        connection,
        "deals",
        "dealstage",
        deals,
        f"case m when 0 then 'd0' when 1 then 'd1' else {stage} end",
        made,
        ended,
    )
    made, ended = MADE.format(salt="'ticket'"), LATER.format(salt="'solved'", seconds=900_000)
    _put(connection, "raw_hubspot.tickets", "hs", "select cast(i as varchar) as id, 't' as hs_pipeline, "
         f"if(pick(i, 'open', 20) = 0, 't1', 't2') as hs_pipeline_stage, {owner} as hubspot_owner_id, {made} as createdate, "
         f"if(pick(i, 'open', 20) = 0, null, {made} + {ended}) as closed_date, {made} + {ended} / 3 as first_agent_reply_date, "
         "['LOW', 'MEDIUM', 'HIGH'][1 + i % 3] as hs_ticket_priority, 'BILLING_ISSUE' as hs_ticket_category, "
         f"'EMAIL' as source_type, false as archived from range({tickets}) as r(i)")  # fmt: skip
    reached = "case m when 0 then 't0' when 1 then 't1' else if(pick(i, 'open', 20) = 0, 't1', 't2') end"
    _history(connection, "tickets", "hs_pipeline_stage", tickets, reached, made, ended)
    done = MADE.format(salt="'call'")
    _put(connection, "raw_hubspot.calls", "hs", f"select cast(i as varchar) as id, {done} as hs_timestamp, "
         f"'OUTBOUND' as hs_call_direction, 60000 as hs_call_duration, {done} as hs_createdate, {owner} as hubspot_owner_id, "
         f"9000 + pick(i, 'owner', {USERS}) as hs_created_by_user_id, 'COMPLETED' as hs_call_status, 'CRM_UI' as hs_object_source, "
         f"false as archived from range({calls}) as r(i)")  # fmt: skip
    target = f"if(i % 2 = 0, pick(i, 'link', {max(deals, 1)}), pick(i, 'link', {max(tickets, 1)}))"
    _put(connection, "raw_hubspot.calls_associations", "hs", "select cast(i as varchar) as from_id, "
         f"if(i % 2 = 0, 'deals', 'tickets') as to_object, cast({target} as varchar) as to_id, "
         f"'HUBSPOT_DEFINED' as category, 206 as type_id, null as label from range({calls}) as r(i)")  # fmt: skip


def _pipelines(connection: duckdb.DuckDBPyConnection) -> None:
    for kind, pipeline_id, states in (("deals", "p", (0.3, 0.6, 1, 0)), ("tickets", "t", ("OPEN", "OPEN", "CLOSED"))):
        for order, state in enumerate(states):
            is_text = isinstance(state, str)
            _put(connection, "raw_hubspot.pipeline_stages", "hs", f"select '{kind}' as object_type, '{pipeline_id}' as pipeline_id, "
                 f"'{kind[0]}{order}' as stage_id, 'Stage {order}' as label, {order} as display_order, "
                 f"{state in (0, 1, 'CLOSED')} as is_closed, {'null' if is_text else state} as probability, "
                 f"{repr(state) if is_text else 'null'} as ticket_state")  # fmt: skip


def _history(
    connection: duckdb.DuckDBPyConnection, name: str, field: str, rows: int, reached: str, made: str, ended: str
) -> None:
    _put(connection, f"raw_hubspot.{name}_history", "hs", f"select cast(i as varchar) as record_id, '{field}' as property, "
         f"m as seq, {reached} as value, {made} + {ended} * m / 2 as at, 'CRM_UI' as source_type, "
         f"cast(9000 + pick(i, 'owner', {USERS}) as varchar) as updated_by_user_id "
         f"from range({rows}) as r(i), range(3) as m(m)")  # fmt: skip


def change(home: Path) -> None:
    """One record in a thousand is changed, as a night's load would leave it."""
    with work_database(home / "warehouse.duckdb") as connection:
        for table, key, field in (
            ("raw_salesforce.Opportunity", "Id", "Amount = Amount + 1"), ("raw_hubspot.deals", "id", "amount = amount + 1"),
            ("raw_salesforce.Task", "Id", "TaskSubtype = 'Call'"), ("raw_hubspot.calls", "id", "hs_call_duration = 1000"),
            ("raw_hubspot.tickets", "id", "hs_ticket_priority = 'HIGH'"),
        ):  # fmt: skip
            connection.execute(f"update {table} set {field}, _run_id = 'changed' where hash({key}) % 1000 = 7")


def night(home: Path) -> None:
    """Transform and measure; prints their seconds and the peak of this process's memory."""
    os.environ |= {"CRMLIFT_HOME": str(home), "CRMLIFT_CONFIG": str(home / "crmlift.yml")}
    told: dict[str, float] = {}
    for name, step in (("transform", pipeline.transform), ("measure", pipeline.measure)):
        started = time.perf_counter()
        step(run_id="bench")
        told[name] = time.perf_counter() - started
    told["peak_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps(told))


if __name__ == "__main__":
    what, place, *numbers = sys.argv[1:]
    if what == "build":
        build(Path(place), *map(int, numbers))
    elif what == "change":
        change(Path(place))
    else:
        night(Path(place))
