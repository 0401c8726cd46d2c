"""Salesforce: complaints that sellers settle as cases, with history, answers and promises, as they are at a moment."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from crmlift.simulator import words
from crmlift.simulator.clock import MINUTE, NEVER, Flags, Index, Times, instants, known_instants, latest
from crmlift.simulator.company import SimField, SimTable
from crmlift.simulator.rows import Column, declare, pick, table, where
from crmlift.simulator.sales import Sales
from crmlift.simulator.sales_fields import AUDIT_FIELDS, CREATED_FIELDS, MODIFIED_FIELDS
from crmlift.simulator.sales_reference import fixed, integration_user, status_columns, user_ids
from crmlift.simulator.sales_tables import ids
from crmlift.simulator.service import Tickets, simulate_cases
from crmlift.simulator.service_tables import FIRST_RESPONSE_PROMISE, SOLUTION_PROMISE
from crmlift.simulator.world import World

NEW, WORKING, WAITING, CLOSED = "New", "Working", "Waiting on Customer", "Closed"
STATUSES = (NEW, WORKING, WAITING, CLOSED)
MILESTONES = ("First Response", "Resolution")
FIRST_HISTORY = 50_000_000
"""Histories of all objects share one key prefix; those of cases are numbered from here."""

_DECLARED = {
    "CaseStatus": f"""
Id id
MasterLabel string 255
ApiName string 255
SortOrder int
IsDefault boolean
IsClosed boolean
{AUDIT_FIELDS}
""",
    "MilestoneType": f"""
Id id
Name string 80
Description string 255
{AUDIT_FIELDS}
""",
    "Case": f"""
Id id
IsDeleted boolean
MasterRecordId reference -> Case
CaseNumber string 30
AccountId reference -> Account
ContactId reference -> Contact
Subject string 255
Status picklist = {"|".join(STATUSES)}
Priority picklist = High|Medium|Low
Type picklist = Delivery|Quality|Invoice|Other
Reason picklist
Origin picklist = Phone|Email|Web
IsClosed boolean
IsEscalated boolean
ClosedDate datetime
OwnerId reference -> User
CurrencyIsoCode picklist = EUR|USD|UAH
{AUDIT_FIELDS}
""",
    "CaseHistory": f"""
Id id
IsDeleted boolean
CaseId reference -> Case
Field picklist
DataType picklist
OldValue string
NewValue string
{CREATED_FIELDS}
""",
    "CaseComment": f"""
Id id
IsDeleted boolean
ParentId reference -> Case
IsPublished boolean
CommentBody textarea
{AUDIT_FIELDS}
""",
    "CaseMilestone": f"""
Id id
IsDeleted boolean
CaseId reference -> Case
MilestoneTypeId reference -> MilestoneType
StartDate datetime
TargetDate datetime
CompletionDate datetime
IsCompleted boolean
IsViolated boolean
ActualElapsedTimeInMins int
CreatedDate datetime
{MODIFIED_FIELDS}
""",
}
FIELDS: Mapping[str, tuple[SimField, ...]] = {name: declare(text) for name, text in _DECLARED.items()}


def case_tables(world: World, sales: Sales, at: int) -> list[SimTable]:
    """Case and all that hangs on it at a moment."""
    cases = simulate_cases(world)
    shown = cases.existence.visible(at)
    return [
        _statuses(world),
        _milestone_types(world),
        _cases(world, sales, cases, shown, at),
        _history(world, cases, shown, at),
        _comments(cases, shown, at),
        _milestones(cases, shown, at),
    ]


def _steps(cases: Tickets, shown: Index) -> list[tuple[Times, str]]:
    """When a case takes which status, in the order of time."""
    return [
        (cases.existence.created[shown], NEW),
        (cases.replied[shown], WAITING),
        (cases.answered_back[shown], WORKING),
        (cases.closed_early[shown], CLOSED),
        (cases.reopened[shown], WORKING),
        (cases.closed[shown], CLOSED),
    ]


def _statuses(world: World) -> SimTable:
    columns = status_columns(world, "CaseStatus", STATUSES)
    return table("CaseStatus", FIELDS["CaseStatus"], columns | {"IsClosed": [name == CLOSED for name in STATUSES]})


def _milestone_types(world: World) -> SimTable:
    n = len(MILESTONES)
    columns: dict[str, Column] = {
        "Id": ids("MilestoneType", np.arange(n)),
        "Name": list(MILESTONES),
        **fixed(world, n),
    }
    return table("MilestoneType", FIELDS["MilestoneType"], columns)


def _cases(world: World, sales: Sales, cases: Tickets, shown: Index, at: int) -> SimTable:
    fate, accounts = cases.existence, sales.accounts
    steps = _steps(cases, shown)
    status = [NEW] * len(shown)
    closed: Times = np.full(len(shown), NEVER, dtype=np.int64)
    for time, reached in steps:
        status = where(time > at, status, reached)
        closed = np.where(time <= at, time if reached == CLOSED else NEVER, closed)
    chosen, has_account = _complaining(world, sales, cases, shown)
    account = accounts.survivor(chosen, at)
    reassigned = cases.reassigned[shown]
    owners = user_ids(np.where(reassigned <= at, cases.next_owner[shown], cases.owner[shown]))
    moved = np.where(has_account, accounts.merged(chosen), NEVER)
    gone = (fate.deleted[shown], fate.restored[shown])
    modified = latest(at, *(time for time, _ in steps), reassigned, *gone)
    columns: dict[str, Column] = {
        "Id": ids("Case", shown),
        "IsDeleted": fate.is_deleted(at)[shown].tolist(),
        "CaseNumber": [f"{number + 1:08d}" for number in shown.tolist()],
        "AccountId": where(has_account, ids("Account", account)),
        "ContactId": where(has_account, ids("Contact", account)),
        "Subject": pick(words.TICKET_SUBJECTS, shown * 3),
        "Status": status,
        "Priority": pick(("Low", "Medium", "High"), cases.priority[shown]),
        "Type": pick(("Delivery", "Quality", "Invoice", "Other", None), shown * 17 % 911),
        "Origin": pick(("Phone", "Email", "Email", "Web"), shown * 13 % 701),
        "IsClosed": [reached == CLOSED for reached in status],
        "IsEscalated": (cases.priority[shown] == 2).tolist(),
        "ClosedDate": instants(closed, at),
        "OwnerId": owners,
        "CurrencyIsoCode": ["EUR"] * len(shown),
        "CreatedDate": known_instants(fate.created[shown]),
        "CreatedById": user_ids(cases.owner[shown]),
        "LastModifiedDate": known_instants(modified),
        "LastModifiedById": owners,
        "SystemModstamp": known_instants(latest(at, modified, moved)),
    }
    return table("Case", FIELDS["Case"], columns)


def _complaining(world: World, sales: Sales, cases: Tickets, shown: Index) -> tuple[Index, Flags]:
    """An account that was there when the case came; a few cases name none."""
    created = sales.accounts.existence.created
    by_age = np.argsort(created, kind="stable")
    known = np.searchsorted(created[by_age], cases.existence.created)
    chosen = by_age[(world.rng("case accounts").random(len(known)) * known).astype(np.int64)]
    return chosen[shown], (known[shown] > 0) & (shown % 23 != 4)


def _history(world: World, cases: Tickets, shown: Index, at: int) -> SimTable:
    """Changes of status, and of owners: once by id and once by name, as Salesforce writes them."""
    case, time, old, new, slot = [], [], [], [], []
    status = np.array([NEW] * len(shown), dtype=object)
    for step, (when, reached) in enumerate(_steps(cases, shown)):
        changed = np.flatnonzero((when <= at) & (status != reached))
        case += shown[changed].tolist()
        time += when[changed].tolist()
        old += status[changed].tolist()
        new += [reached] * len(changed)
        slot += [step] * len(changed)
        status[changed] = reached
    moved = shown[cases.reassigned[shown] <= at]
    before, after = cases.owner[moved], cases.next_owner[moved]
    names = [f"{person.first} {person.last}" for person in world.people]
    number = np.array(case + moved.tolist() * 2, dtype=np.int64)
    place = np.array(slot + [6] * len(moved) + [7] * len(moved), dtype=np.int64)
    columns: dict[str, Column] = {
        "Id": ids("CaseHistory", FIRST_HISTORY + number * 8 + place),
        "IsDeleted": cases.existence.is_deleted(at)[number].tolist(),
        "CaseId": ids("Case", number),
        "Field": ["Status"] * len(case) + ["Owner"] * (2 * len(moved)),
        "DataType": ["Text"] * len(case) + ["EntityId"] * len(moved) + ["Text"] * len(moved),
        "OldValue": [*old, *user_ids(before), *(names[i] for i in before.tolist())],
        "NewValue": [*new, *user_ids(after), *(names[i] for i in after.tolist())],
        "CreatedDate": known_instants(np.array([*time, *cases.reassigned[moved].tolist() * 2], dtype=np.int64)),
        "CreatedById": [
            *user_ids(cases.owner[np.array(case, dtype=np.int64)]),
            *user_ids(np.full(2 * len(moved), integration_user(world))),
        ],
    }
    return table("CaseHistory", FIELDS["CaseHistory"], columns)


def _comments(cases: Tickets, shown: Index, at: int) -> SimTable:
    """The first answer to each case."""
    case = shown[cases.replied[shown] <= at]
    fate, by = cases.existence.take(case), user_ids(cases.owner[case])
    stamp = known_instants(latest(at, cases.replied[case], fate.deleted, fate.restored))
    columns: dict[str, Column] = {
        "Id": ids("CaseComment", case),
        "IsDeleted": fate.is_deleted(at).tolist(),
        "ParentId": ids("Case", case),
        "IsPublished": [True] * len(case),
        "CommentBody": pick(words.TICKET_TEXTS, case * 5),
        "CreatedDate": known_instants(cases.replied[case]),
        "CreatedById": by,
        "LastModifiedDate": stamp,
        "LastModifiedById": by,
        "SystemModstamp": stamp,
    }
    return table("CaseComment", FIELDS["CaseComment"], columns)


def _milestones(cases: Tickets, shown: Index, at: int) -> SimTable:
    """The same promises as in HubSpot: an answer, and a solution that lasts."""
    case, kind = np.tile(shown, 2), np.repeat([0, 1], len(shown))
    fate = cases.existence.take(case)
    due = fate.created + np.where(kind == 0, FIRST_RESPONSE_PROMISE, SOLUTION_PROMISE)
    done = np.where(kind == 0, cases.replied[case], cases.closed[case])
    missed = np.where(done > due, due, NEVER)
    modified = latest(at, fate.created, done, fate.deleted, fate.restored)  # that the time ran out moves no stamp
    minutes = ((done - fate.created) // MINUTE).tolist()
    columns: dict[str, Column] = {
        "Id": ids("CaseMilestone", case * 2 + kind),
        "IsDeleted": fate.is_deleted(at).tolist(),
        "CaseId": ids("Case", case),
        "MilestoneTypeId": pick(ids("MilestoneType", np.arange(2)), kind),
        "StartDate": known_instants(fate.created),
        "TargetDate": known_instants(due),
        "CompletionDate": instants(done, at),
        "IsCompleted": (done <= at).tolist(),
        "IsViolated": (missed <= at).tolist(),
        "ActualElapsedTimeInMins": where(done <= at, minutes),
        "CreatedDate": known_instants(fate.created),
        "LastModifiedDate": known_instants(modified),
        "LastModifiedById": user_ids(cases.owner[case]),
        "SystemModstamp": known_instants(modified),
    }
    return table("CaseMilestone", FIELDS["CaseMilestone"], columns)
