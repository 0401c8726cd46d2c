"""HubSpot: contacts, companies and renewals as they are at a moment."""

from __future__ import annotations

import numpy as np

from crmlift.simulator import words
from crmlift.simulator.clock import (
    DAY,
    NEVER,
    Index,
    Times,
    from_wall,
    instants,
    known_instants,
    latest,
    local_days,
)
from crmlift.simulator.company import SimTable
from crmlift.simulator.hubspot_fields import (
    DUE,
    LAPSED,
    LIFECYCLE,
    OFFERED,
    OFFERED_PROPERTY,
    PROPERTIES,
    RENEWAL_PIPELINE,
    RENEWAL_STAGES,
    RENEWED,
)
from crmlift.simulator.hubspot_rows import envelope, in_order, merged_into, owner_ids, remember, user_ids
from crmlift.simulator.ids import hubspot_ids
from crmlift.simulator.marketing import Contacts, Marketing
from crmlift.simulator.oddities import fleet_sizes
from crmlift.simulator.rows import Column, pick, table, where
from crmlift.simulator.sales_people import company_name, person_name
from crmlift.simulator.sales_reference import month_of, rates
from crmlift.simulator.sales_tables import empty_as_none
from crmlift.simulator.world import World

SOURCES = ("ORGANIC_SEARCH", "PAID_SEARCH", "DIRECT_TRAFFIC", "SOCIAL_MEDIA", "REFERRALS", "OFFLINE")
LEAD_STATUSES = ("NEW", "CONNECTED", "UNQUALIFIED", "OPEN_DEAL")
PROBABILITY = (0.3, 0.6, 1.0, 0.0)


def lifecycle(contacts: Contacts) -> list[Times]:
    """When each contact enters each lifecycle stage."""
    leads = contacts.leads
    created = contacts.existence.created
    subscribed = np.where(leads.entered > created, created, NEVER)
    return [
        subscribed,
        leads.entered,
        leads.qualified,
        leads.accepted,
        leads.converted,
        contacts.became_customer,
    ]


def contact_table(marketing: Marketing, at: int) -> SimTable:
    """Contacts with the histories of lifecyclestage, hs_lead_status and hubspot_owner_id."""
    contacts, leads = marketing.contacts, marketing.contacts.leads
    fate = contacts.existence
    shown = fate.visible(at)
    every = hubspot_ids("contacts", range(len(fate.created)))
    ids = [every[i] for i in shown.tolist()]
    entered = [t[shown] for t in lifecycle(contacts)]
    statuses = (leads.entered, leads.touched, leads.disqualified, leads.converted)
    status = [t[shown] for t in statuses]
    reassigned = np.where(contacts.has_owner, leads.reassigned, NEVER)[shown]
    modified = latest(at, fate.created, fate.deleted, fate.restored)
    modified = np.maximum(modified, contacts.batches.last(len(fate.created), at, fate.created))
    modified = np.maximum(modified, contacts.merges.last(at))[shown]
    modified = np.maximum(modified, _deals_linked(marketing, at)[shown])
    firms = marketing.companies.existence.comings(contacts.company[shown])
    modified = latest(at, modified, *entered, *status, reassigned, *firms)
    owner = np.where(contacts.has_owner, leads.owner, -1)[shown]
    following = np.where(contacts.has_owner, leads.next_owner, -1)[shown]
    current = np.where(reassigned <= at, following, owner)
    merged = merged_into(contacts.merges.survivor(np.arange(len(every)), at), contacts.merges.time <= at, every)
    columns = envelope(ids, fate, shown, modified, at) | _contact_columns(contacts, shown, at)
    columns |= {
        "createdate": columns["createdAt"],
        "lastmodifieddate": columns["updatedAt"],
        "lifecyclestage": _reached(entered, LIFECYCLE, at),
        "hs_lead_status": _reached(status, LEAD_STATUSES, at),
        "hubspot_owner_id": owner_ids(current),
        "hubspot_owner_assigneddate": instants(
            np.where(current < 0, NEVER, np.where(reassigned <= at, reassigned, fate.created[shown]))
        ),
        "hs_merged_object_ids": [merged.get(i) for i in shown.tolist()],
    }
    columns |= {f"hs_v2_date_entered_{n}": instants(t, at) for n, t in zip(LIFECYCLE, entered, strict=True)}
    out = table("contacts", PROPERTIES["contacts"], columns)
    users = user_ids(owner)
    for name, times, values in (
        ("lifecyclestage", entered, LIFECYCLE),
        ("hs_lead_status", status, LEAD_STATUSES),
    ):
        remember(
            out.history,
            name,
            ids,
            [(t, [v] * len(ids)) for t, v in zip(times, values, strict=True)],
            at,
            users,
        )
        in_order(out.history, name)
    owners = [(fate.created[shown], owner_ids(owner)), (reassigned, owner_ids(following))]
    remember(out.history, "hubspot_owner_id", ids, owners, at, users)
    return out


def _deals_linked(marketing: Marketing, at: int) -> Times:
    """For each contact the last time a deal was linked to it or unlinked, which touches the contact as well."""
    renewals, contacts = marketing.renewals, marketing.contacts
    contact = contacts.merges.survivor(renewals.contact, at)
    fate = renewals.deals.existence
    out = np.zeros(len(contacts.company), dtype=np.int64)
    linked = np.flatnonzero(contact >= 0)
    np.maximum.at(out, contact[linked], latest(at, fate.created, fate.deleted, fate.restored)[linked])
    return out


def _reached(times: list[Times], names: tuple[str, ...], at: int) -> list[str | None]:
    grid = np.stack([np.where(t <= at, t, -1) for t in times])
    last = len(names) - 1 - grid[::-1].argmax(axis=0)
    return where(grid.max(axis=0) >= 0, [names[i] for i in last.tolist()])


def _contact_columns(contacts: Contacts, shown: Index, at: int) -> dict[str, Column]:
    leads = contacts.leads
    people = [person_name(i + 900_000) for i in shown.tolist()]
    touched, reassigned = leads.touched[shown], leads.reassigned[shown]
    since = np.where(reassigned <= touched, reassigned, leads.entered[shown])
    kinds = pick(("CALL", "EMAIL", "MEETING_EVENT"), shown)
    return {
        "email": [None if i % 53 == 7 else p[2] for i, p in zip(shown.tolist(), people, strict=True)],
        "firstname": [p[0] for p in people],
        "lastname": [p[1] for p in people],
        "jobtitle": pick((None, "Owner", "Директор", "Manager"), shown),
        "country": pick(words.COUNTRIES, shown),
        "message": pick(words.DESCRIPTIONS, shown * 19 % 613),
        "hs_analytics_source": pick(SOURCES, shown * 43 % 1013),
        "hs_sa_first_engagement_date": instants(touched, at),
        "hs_sa_first_engagement_object_type": where(touched <= at, kinds),
        "hs_time_to_first_engagement": where(touched <= at, (touched - since).tolist()),
        "hs_object_source": pick(("FORM", "FORM", "FORM", "IMPORT"), shown),
    }


def company_table(marketing: Marketing, at: int) -> SimTable:
    """Companies; nothing but their owner has a history."""
    companies, fate = marketing.companies, marketing.companies.existence
    shown = fate.visible(at)
    ids = hubspot_ids("companies", shown.tolist())
    modified = latest(at, fate.created, fate.deleted, fate.restored)
    modified = np.maximum(modified, companies.batches.last(len(fate.created), at, fate.created))[shown]
    numbers = shown.tolist()
    columns = envelope(ids, fate, shown, modified, at)
    columns |= {
        "name": [company_name(i) for i in numbers],
        "domain": [None if i % 9 == 0 else f"firm{i}.example.com" for i in numbers],
        "industry": pick(tuple(i.upper() for i in words.INDUSTRIES), shown * 3),
        "country": pick(words.COUNTRIES, shown),
        "numberofemployees": [None if i % 7 == 0 else 2 + i * 53 % 900 for i in numbers],
        "annualrevenue": [None if i % 6 == 0 else 50_000.0 * (1 + i * 37 % 400) for i in numbers],
        "description": pick(words.DESCRIPTIONS, shown * 31 % 409),
        "createdate": columns["createdAt"],
        "hs_lastmodifieddate": columns["updatedAt"],
        "hubspot_owner_id": owner_ids(companies.owner[shown]),
        "hs_object_source": pick(("FORM", "CRM_UI"), shown),
    }
    out = table("companies", PROPERTIES["companies"], columns)
    owner = companies.owner[shown]
    remember(out.history, "hubspot_owner_id", ids, [(fate.created[shown], owner_ids(owner))], at, user_ids(owner))
    return out


def deal_table(world: World, marketing: Marketing, at: int) -> SimTable:
    """Partner renewals with the histories of dealstage, amount, closedate and hubspot_owner_id."""
    renewals, deals = marketing.renewals, marketing.renewals.deals
    fate = deals.existence
    shown = fate.visible(at)
    ids = hubspot_ids("deals", shown.tolist())
    won, closed = deals.is_won[shown], deals.closed[shown]
    created = fate.created[shown]
    entered = [created, renewals.offered[shown], np.where(won, closed, NEVER), np.where(won, NEVER, closed)]
    reassigned = deals.reassigned[shown]
    modified = latest(at, fate.created, fate.deleted, fate.restored)[shown]
    edits = [np.where(e > created, e, NEVER) for e in renewals.pipeline_edits.tolist()]
    people = marketing.contacts
    moves = people.merges.moves(renewals.contact[shown]) + people.existence.comings(renewals.contact[shown])
    moves += marketing.companies.existence.comings(renewals.company[shown])
    modified = latest(at, modified, *entered, reassigned, *edits, *moves)
    owner, following = deals.owner[shown], deals.next_owner[shown]
    is_closed, is_won = closed <= at, (closed <= at) & won
    amount, columns = _amounts(world, marketing, shown)
    month_end = _month_end(created)
    closing = np.where(is_closed, closed, month_end)
    stage = np.where(is_closed, np.where(won, RENEWED, LAPSED), np.where(entered[OFFERED] <= at, OFFERED, DUE))
    columns |= envelope(ids, fate, shown, modified, at)
    columns |= {
        "dealname": [f"{k} {i}" for k, i in zip(pick(("Renewal", "Поновлення"), shown), shown.tolist(), strict=True)],
        "description": pick(words.DESCRIPTIONS, shown * 7),
        "createdate": columns["createdAt"],
        "hs_createdate": columns["createdAt"],
        "hs_lastmodifieddate": columns["updatedAt"],
        "closedate": known_instants(closing),
        "pipeline": [RENEWAL_PIPELINE] * len(ids),
        "dealstage": [RENEWAL_STAGES[s] for s in stage.tolist()],
        "dealtype": ["existingbusiness"] * len(ids),
        "hubspot_owner_id": owner_ids(np.where(reassigned <= at, following, owner)),
        "hs_is_closed": is_closed.tolist(),
        "hs_is_closed_won": is_won.tolist(),
        "hs_deal_stage_probability": [PROBABILITY[s] for s in stage.tolist()],
        "hs_manual_forecast_category": [("PIPELINE", "COMMIT", "CLOSED", "OMIT")[s] for s in stage.tolist()],
        "closed_lost_reason": where(is_closed & ~is_won, pick(words.LOSS_REASONS, shown)),
        "hs_next_step": pick((*words.NEXT_STEPS, ""), shown * 3),
        "fleet_size": fleet_sizes(shown),
        "notes_last_updated": instants(entered[OFFERED], at),
        "hs_analytics_source": pick(("OFFLINE", "REFERRALS"), shown),
        f"hs_v2_date_entered_{RENEWAL_STAGES[DUE]}": columns["createdAt"],
        OFFERED_PROPERTY: instants(entered[OFFERED], at),
        f"hs_v2_date_entered_{RENEWAL_STAGES[RENEWED]}": instants(entered[RENEWED], at),
        f"hs_v2_date_entered_{RENEWAL_STAGES[LAPSED]}": instants(entered[LAPSED], at),
        "days_to_close": where(is_closed, ((closed - created) // DAY).tolist()),
        "hs_object_source": ["CRM_UI"] * len(ids),
    }
    out = table("deals", PROPERTIES["deals"], columns)
    users = user_ids(owner)
    stages = [(t, [s] * len(ids)) for t, s in zip(entered, RENEWAL_STAGES, strict=True)]
    remember(out.history, "dealstage", ids, stages, at, users)
    remember(out.history, "amount", ids, [(created, amount)], at, users)
    days = [(created, _iso(month_end)), (closed, _iso(np.where(closed < NEVER, closed, 0)))]
    remember(out.history, "closedate", ids, days, at, users)
    owners = [(created, owner_ids(owner)), (reassigned, owner_ids(following))]
    remember(out.history, "hubspot_owner_id", ids, owners, at, users)
    return out


def _amounts(world: World, marketing: Marketing, shown: Index) -> tuple[list[str | None], dict[str, Column]]:
    deals, is_usd = marketing.renewals.deals, marketing.renewals.is_usd[shown]
    rate = np.where(is_usd, rates(world)[0, month_of(deals.created[shown])], 1.0)
    amount = empty_as_none(np.round(deals.amount[shown] * rate, 2))
    columns: dict[str, Column] = {
        "amount": amount,
        "deal_currency_code": where(is_usd, ["USD"] * len(shown), "EUR"),
        "hs_exchange_rate": np.round(1 / rate, 6).tolist(),
        "amount_in_home_currency": empty_as_none(deals.amount[shown]),
    }
    return [None if a is None else f"{a:g}" if a == int(a) else f"{a:.2f}" for a in amount], columns


def _month_end(times: Times) -> Times:
    month = local_days(times).astype("datetime64[D]").astype("datetime64[M]")
    last = (month + np.timedelta64(1, "M")).astype("datetime64[D]").astype(np.int64) * DAY - 60_000
    return from_wall(last)


def _iso(times: Times) -> list[str | None]:
    return [m.strftime("%Y-%m-%dT%H:%M:%S.") + f"{m.microsecond // 1000:03d}Z" for m in known_instants(times)]
