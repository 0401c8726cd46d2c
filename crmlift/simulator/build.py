"""A simulated company at a moment: `build_company`."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np

from crmlift.errors import UsageFailure
from crmlift.simulator import hubspot_reference
from crmlift.simulator.cases import case_tables
from crmlift.simulator.clock import DEFAULT_AS_OF, END, START, instants, known_instants, ms
from crmlift.simulator.company import Company, SimTable
from crmlift.simulator.engagement_tables import engagement_tables, links
from crmlift.simulator.marketing import Marketing, simulate_marketing
from crmlift.simulator.marketing_tables import company_table, contact_table, deal_table
from crmlift.simulator.oddities import without_hidden
from crmlift.simulator.sales import Sales, simulate_sales
from crmlift.simulator.sales_activities import Activities, activity_ids, activity_tables, simulate_activities
from crmlift.simulator.sales_links import link_tables
from crmlift.simulator.sales_people import account_tables, contact_fates
from crmlift.simulator.sales_reference import reference_tables
from crmlift.simulator.sales_tables import ids, opportunity_tables
from crmlift.simulator.sales_users import user_tables
from crmlift.simulator.scenario import scale_named, scenario_named
from crmlift.simulator.service_tables import feedback, ticket_table
from crmlift.simulator.truth import truth
from crmlift.simulator.world import World, rollout


def build_company(name: str, *, seed: int = 7, size: str = "small", as_of: datetime | None = None) -> Company:
    """The company as both CRMs would show it at `as_of` (aware; 2026-11-02 UTC if not given).

    The same name, seed and size always live the same life, from 2024-11-04 to 2027-11-01; `as_of` only says up to where
    it is told. Raises UsageFailure for an unknown name or size and for a moment outside that span.
    """
    at = ms(_within(as_of or DEFAULT_AS_OF))
    world = _world(name, seed, size)
    sales, activities, marketing = (
        simulate_sales(world),
        simulate_activities(world),
        simulate_marketing(world),
    )
    hubspot, associations = _hubspot(world, marketing, at)
    return Company(
        name=name,
        seed=seed,
        as_of=as_of or DEFAULT_AS_OF,
        salesforce=_salesforce(world, sales, activities, at),
        hubspot=hubspot,
        associations=associations,
        owners=hubspot_reference.owners(world, at),
        pipelines=hubspot_reference.pipelines(marketing.renewals.pipeline_edits.tolist(), at),
        logins=hubspot_reference.login_activity(world, at),
        exchange_rates=hubspot_reference.exchange_rates(world, at),
        purged=_purged(sales, activities, at),
        rollout=rollout(world),
        truth=truth(world, sales, activities, marketing, at),
    )


def _within(as_of: datetime) -> datetime:
    if as_of.tzinfo is None or not START < ms(as_of) <= END:
        first, last = instants(np.array([START, END]))
        raise UsageFailure(
            f"The simulated company cannot be shown as of {as_of.isoformat()}.",
            why=f"Its life is told from {first:%Y-%m-%d} to {last:%Y-%m-%d} (UTC), and the moment needs a time zone.",
            next_step="choose a moment in between, for example  --as-of 2026-11-02T00:00Z",
        )
    return as_of


def world_of(name: str, seed: int, size: str) -> World:
    """What the company's parts share: its people, teams and go-live dates."""
    return _world(name, seed, size)


@lru_cache(maxsize=2)
def _world(name: str, seed: int, size: str) -> World:
    return World(scenario_named(name), seed, scale_named(size))


def _salesforce(world: World, sales: Sales, activities: Activities, at: int) -> dict[str, SimTable]:
    account = sales.accounts.survivor(sales.account, at)
    tables = [
        *account_tables(world, sales, activities, at),
        *opportunity_tables(world, sales, activities, at),
        *activity_tables(world, at, ids("Contact", account), ids("Account", account)),
        *case_tables(world, sales, at),
        *link_tables(world, sales, at),
        *user_tables(world, at),
    ]
    return reference_tables(world, at) | {t.name: t for t in without_hidden(tables, at)}


def _hubspot(world: World, marketing: Marketing, at: int) -> tuple[dict[str, SimTable], list[Any]]:
    answers, answer_links = feedback(world, marketing, at)
    tables = [
        contact_table(marketing, at),
        company_table(marketing, at),
        deal_table(world, marketing, at),
        ticket_table(marketing, at),
        *engagement_tables(marketing, at),
        answers,
    ]
    there = {row["id"] for t in tables if t.name in ("contacts", "tickets") for row in t.rows if not row["archived"]}
    return {t.name: t for t in tables}, links(marketing, at) + [a for a in answer_links if a.to_id in there]


def _purged(sales: Sales, activities: Activities, at: int) -> dict[str, list[tuple[str, datetime]]]:
    """Rows gone for good with the time they were deleted: what `getDeleted` tells."""
    out: dict[str, list[tuple[str, datetime]]] = {}
    for name, fate in (
        ("Opportunity", sales.deals.existence),
        ("Account", sales.accounts.existence),
        ("Lead", sales.leads.existence),
    ):
        gone = fate.purged_before(at)
        out[name] = list(zip(ids(name, gone), known_instants(fate.deleted[gone]), strict=True))
    _, number, fate = contact_fates(sales)
    gone = fate.purged_before(at)
    out["Contact"] = list(zip(ids("Contact", number[gone]), known_instants(fate.deleted[gone]), strict=True))
    gone = activities.existence.purged_before(at)
    for records, when in zip(
        activity_ids(activities, gone), known_instants(activities.existence.deleted[gone]), strict=True
    ):
        for record in records:
            out.setdefault("Event" if record.startswith("00U") else "Task", []).append((record, when))
    return out
