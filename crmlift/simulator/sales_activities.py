"""Salesforce: tasks and events. What sellers do is one thing, what they log another: adoption changes logging."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from crmlift.simulator import words
from crmlift.simulator.clock import (
    DAY,
    END,
    HOUR,
    MINUTE,
    NEVER,
    SECOND,
    Flags,
    Index,
    Times,
    dates,
    from_wall,
    instants,
    known_instants,
    latest,
    local_days,
    next_office_day,
    office_time,
)
from crmlift.simulator.clones import add_copies, copies
from crmlift.simulator.company import SimTable
from crmlift.simulator.existence import Existence
from crmlift.simulator.ids import KEY_PREFIX, salesforce_ids
from crmlift.simulator.oddities import archived
from crmlift.simulator.rows import Column, pick, table, where
from crmlift.simulator.sales import Sales, simulate_sales
from crmlift.simulator.sales_fields import FIELDS
from crmlift.simulator.sales_reference import integration_user, user_ids
from crmlift.simulator.world import World

CALL, EMAIL, MEETING, TODO, AUTOMATIC = range(5)


@dataclass(frozen=True)
class Activities:
    """Logged activities in order of logging. deal and lead are −1 where there is none; `at` is when it took place."""

    kind: Index
    deal: Index
    lead: Index
    owner: Index
    at: Times
    existence: Existence

    @property
    def is_human(self) -> Flags:
        """Done by a person (a mass e-mail is not)."""
        return np.asarray(self.kind != AUTOMATIC)


@lru_cache(maxsize=2)
def simulate_activities(world: World) -> Activities:
    """All activities that were logged, of deals and of partner leads."""
    sales = simulate_sales(world)
    parts = [_of_deals(world, sales), _of_leads(world, sales)]
    kind, deal, lead, owner, at, logged = (np.concatenate(c) for c in zip(*parts, strict=True))
    fates = (sales.deals.existence.take(deal), sales.leads.existence.take(lead))
    logged = np.where(deal >= 0, fates[0].shifted(logged), fates[1].shifted(logged))
    order = np.argsort(logged, kind="stable")
    order = order[logged[order] < END]
    deal, lead = deal[order], lead[order]
    fate = Existence(
        logged[order],
        *(
            np.where(deal >= 0, getattr(fates[0], name)[order], getattr(fates[1], name)[order])
            for name in ("deleted", "restored", "purged")
        ),
    )
    return Activities(kind[order], deal, lead, owner[order], at[order], fate)


def is_logged_share(world: World, team: Index, at: Times) -> np.ndarray:
    """Probability that a talk of a team at a time gets logged."""
    before, after = world.scenario.logging_before, world.scenario.logging_after
    live, learned = at >= world.go_live[team], at >= world.learned[team]
    return np.where(learned, after, np.where(live, (before + after) / 2, before))


Part = tuple[Index, Index, Index, Index, Times, Times]


def _of_deals(world: World, sales: Sales) -> Part:
    rng = world.rng("talks")
    deals = sales.deals
    deal = np.repeat(np.arange(len(deals.team)), rng.poisson(2.9, len(deals.team)))
    n = len(deal)
    start, end = deals.created[deal], np.minimum(deals.closed, deals.created + 150 * DAY)[deal]
    spot = start + (rng.random(n) * (end - start)).astype(np.int64)
    at = from_wall(next_office_day(local_days(spot)) * DAY + office_time(rng.random(n)))
    at = np.maximum(np.minimum(at, end - 10 * MINUTE), start + MINUTE) // SECOND * SECOND
    at = deals.existence.take(deal).shifted(at)
    kind = rng.choice(5, n, p=[0.42, 0.23, 0.24, 0.04, 0.07])
    share = is_logged_share(world, deals.team[deal], at)
    kept = (rng.random(n) < np.where(kind == AUTOMATIC, 0.6, share)) & (at < END)
    late = (rng.random(n) ** 3 * 3 * HOUR).astype(np.int64) // SECOND * SECOND
    owner = np.where(at >= deals.reassigned[deal], deals.next_owner[deal], deals.owner[deal])
    nothing = np.full(n, -1)
    return tuple(c[kept] for c in (kind, deal, nothing, owner, at, np.where(kind == TODO, at, at + late)))  # type: ignore[return-value]


def _of_leads(world: World, sales: Sales) -> Part:
    rng = world.rng("lead talks")
    leads = sales.leads
    lead = np.flatnonzero(leads.touched < END)
    kind = rng.choice(2, len(lead), p=[0.6, 0.4])
    at = leads.touched[lead]
    owner = np.where(at >= leads.reassigned[lead], leads.next_owner[lead], leads.owner[lead])
    return kind, np.full(len(lead), -1), lead, owner, at, at


def activity_tables(world: World, at: int, contact_ids: list[str], account_ids: list[str]) -> list[SimTable]:
    """Task and Event at a moment. contact_ids, account_ids: for each deal, by position in `Sales.deals`."""
    activities = simulate_activities(world)
    shown = activities.existence.visible(at)
    is_event = activities.kind[shown] == MEETING
    tasks, events = shown[~is_event], shown[is_event]
    task = _columns(world, activities, tasks, at, "Task", contact_ids, account_ids)
    event = _columns(world, activities, events, at, "Event", contact_ids, account_ids)
    tables = [
        (table("Task", FIELDS["Task"], task | _task_columns(world, activities, tasks, at)), tasks),
        (table("Event", FIELDS["Event"], event | _event_columns(activities, events, at)), events),
    ]
    sellers = [i for i, person in enumerate(world.people) if person.role == "seller"]
    colleagues = [str(user) for user in user_ids(np.array(sellers))]
    return [add_copies(found, numbers.tolist(), colleagues) for found, numbers in tables]


def activity_ids(activities: Activities, rows: Index) -> list[list[str]]:
    """Salesforce ids by position, of the record and its copies; tasks and events count together."""
    names = ["Event" if kind == MEETING else "Task" for kind in activities.kind[rows].tolist()]
    return [
        [*salesforce_ids(KEY_PREFIX[name], [number]), *copies(name, number)]
        for name, number in zip(names, rows.tolist(), strict=True)
    ]


def _columns(
    world: World,
    activities: Activities,
    rows: Index,
    at: int,
    name: str,
    contacts: list[str],
    accounts: list[str],
) -> dict[str, Column]:
    deal, lead = activities.deal[rows], activities.lead[rows]
    created, fate = activities.existence.created[rows], activities.existence.take(rows)
    system = user_ids(np.array([integration_user(world)]))[0]
    owners = user_ids(activities.owner[rows])
    creators = where(activities.is_human[rows], owners, system)
    deal_ids = salesforce_ids(KEY_PREFIX["Opportunity"], np.maximum(deal, 0).tolist())
    lead_ids = salesforce_ids(KEY_PREFIX["Lead"], np.maximum(lead, 0).tolist())
    sales = simulate_sales(world)
    moved = np.where(deal >= 0, sales.accounts.merged(sales.account[deal]), NEVER)
    modified = known_instants(latest(at, created, fate.deleted, fate.restored))
    stamp = known_instants(latest(at, created, fate.deleted, fate.restored, moved))
    of_deal = deal >= 0
    return {
        "Id": salesforce_ids(KEY_PREFIX[name], rows.tolist()),
        "IsDeleted": fate.is_deleted(at).tolist(),
        "WhoId": [contacts[d] if d >= 0 else lead_id for d, lead_id in zip(deal.tolist(), lead_ids, strict=True)],
        "WhatId": where(of_deal, deal_ids),
        "AccountId": [accounts[d] if d >= 0 else None for d in deal.tolist()],
        "ActivityDate": dates(local_days(activities.at[rows]).tolist()),
        "Description": pick(words.DESCRIPTIONS, rows * 7919 % 1009),
        "OwnerId": owners,
        "CurrencyIsoCode": ["EUR"] * len(rows),
        "CreatedDate": known_instants(created),
        "CreatedById": creators,
        "LastModifiedDate": modified,
        "LastModifiedById": creators,
        "SystemModstamp": stamp,
    }


def _task_columns(world: World, activities: Activities, rows: Index, at: int) -> dict[str, Column]:
    kind = activities.kind[rows]
    kinds, is_done = kind.tolist(), kind != TODO
    seconds = (30 + rows * 37 % 1500).tolist()
    subjects = (words.CALL_SUBJECTS, words.EMAIL_SUBJECTS, (), ("To do: prepare the offer", "Підготувати звіт"),
                ("Mass email: newsletter",))  # fmt: skip
    return {
        "Subject": [subjects[k][i % len(subjects[k])] for k, i in zip(kinds, rows.tolist(), strict=True)],
        "Status": where(is_done, ["Completed"] * len(rows), "Not Started"),
        "Priority": ["Normal"] * len(rows),
        "TaskSubtype": [("Call", "Email", "", "Task", "ListEmail")[k] for k in kinds],
        "Type": [("Call", "Email", "", "Other", "Email")[k] for k in kinds],
        "CallType": [("Inbound" if i % 9 == 4 else "Outbound") if k == CALL else None
                     for k, i in zip(kinds, rows.tolist(), strict=True)],
        "CallDurationInSeconds": [s if k == CALL else None for k, s in zip(kinds, seconds, strict=True)],
        "IsClosed": is_done.tolist(),
        "IsArchived": archived(np.where(is_done, activities.at[rows], NEVER), at),
        "CompletedDateTime": instants(np.where(is_done, activities.at[rows], NEVER)),
    }  # fmt: skip


def _event_columns(activities: Activities, rows: Index, at: int) -> dict[str, Column]:
    minutes = 30 + 15 * (rows % 5)
    start = activities.at[rows]
    return {
        "Subject": pick(words.EVENT_SUBJECTS, rows),
        "Location": pick((None, "Office", "Zoom", "Кав'ярня, 2-й поверх"), rows),
        "StartDateTime": known_instants(start),
        "EndDateTime": known_instants(start + minutes * MINUTE),
        "DurationInMinutes": minutes.tolist(),
        "IsArchived": archived(start, at),
    }
