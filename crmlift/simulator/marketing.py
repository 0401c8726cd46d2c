"""What happens in HubSpot over the whole span: visitors who become leads, tickets, renewals, and talks about them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from crmlift.simulator.clock import DAY, END, MINUTE, NEVER, SECOND, START, Flags, Index, Times
from crmlift.simulator.deals import Deals, fractions, simulate_deals
from crmlift.simulator.existence import (
    Batches,
    Existence,
    Merges,
    draw_batches,
    draw_existence,
    draw_merges,
)
from crmlift.simulator.leads import Leads, simulate_leads
from crmlift.simulator.service import Tickets, simulate_tickets
from crmlift.simulator.world import World

CONTACTS_PER_TEAM = 4.35
RENEWALS_PER_TEAM = 0.26
BIN_DAYS = 90


@dataclass(frozen=True)
class Contacts:
    """One entry a contact. is_lead: ever becomes one (then at `leads.entered`); has_owner: somebody is responsible."""

    leads: Leads
    is_lead: Flags
    has_owner: Flags
    became_customer: Times
    company: Index
    merges: Merges
    batches: Batches

    @property
    def existence(self) -> Existence:
        """When the contacts come and go."""
        return self.leads.existence


@dataclass(frozen=True)
class Companies:
    """One entry a company, with the person who looks after it."""

    owner: Index
    existence: Existence
    batches: Batches


@dataclass(frozen=True)
class Renewals:
    """HubSpot deals: yearly renewals of partners. offered: when the offer was sent (NEVER: stage skipped)."""

    deals: Deals
    offered: Times
    company: Index
    contact: Index
    is_usd: Flags
    pipeline_edits: Times


@dataclass(frozen=True)
class Talks:
    """Engagements in order of time. kind: 0 call, 1 email, 2 meeting, 3 task, 4 note; −1 for no contact, ticket, owner.

    is_inbound: from outside. is_automatic: sent by a workflow.
    """

    kind: Index
    contact: Index
    ticket: Index
    owner: Index
    is_inbound: Flags
    is_automatic: Flags
    existence: Existence


@dataclass(frozen=True)
class Marketing:
    """Everything that ever happens in HubSpot, before a moment is chosen to look at it."""

    contacts: Contacts
    companies: Companies
    tickets: Tickets
    ticket_contact: Index
    renewals: Renewals
    talks: Talks


@lru_cache(maxsize=2)
def simulate_marketing(world: World) -> Marketing:
    """Draw all of it."""
    contacts, companies = _contacts(world)
    tickets = simulate_tickets(world)
    rng = world.rng("who asks")
    seen = np.searchsorted(contacts.existence.created, tickets.existence.created)
    asking = np.where(seen > 0, (rng.random(len(seen)) * seen).astype(np.int64), -1)
    renewals = _renewals(world, contacts, companies)
    return Marketing(contacts, companies, tickets, asking, renewals, _talks(world, contacts, tickets, asking))


def _contacts(world: World) -> tuple[Contacts, Companies]:
    rng = world.rng("contacts")
    pace = CONTACTS_PER_TEAM * world.scale * np.exp(0.2 * rng.normal(size=len(world.teams)))
    team, created = world.arrivals("contact arrivals", pace, is_web=True)
    n = len(team)
    created = np.sort(created + rng.integers(0, 1000, n))
    existence = draw_existence(rng, created, 0.010, BIN_DAYS, 0.8)
    merges, existence = draw_merges(rng, existence, 0.015)
    kind, later = rng.random(n), rng.random(n)
    is_lead = kind >= 0.05
    entered = np.where(kind > 0.97, created + (later * 50 * DAY).astype(np.int64) // SECOND * SECOND + DAY, created)
    has_owner = rng.random(n) >= 0.015
    answered = np.where(has_owner & is_lead, 0.915, 0.0)
    leads = simulate_leads(world, "lead courses", team, entered, existence, role="sdr", answered=answered)
    never = np.full(n, NEVER, dtype=np.int64)
    leads = replace(
        leads,
        entered=np.where(is_lead, existence.shifted(entered), never),
        touched=np.where(is_lead, leads.touched, never),
        would_be_touched=np.where(is_lead, leads.would_be_touched, never),
        qualified=np.where(is_lead, leads.qualified, never),
        accepted=np.where(is_lead, leads.accepted, never),
        converted=np.where(is_lead, leads.converted, never),
        disqualified=np.where(is_lead, leads.disqualified, never),
    )
    buys = (rng.random(n) < 0.3) & (leads.converted < NEVER)
    bought = np.where(buys, leads.converted + (rng.lognormal(np.log(30), 0.6, n) * DAY).astype(np.int64), NEVER)
    is_new = rng.random(n) < 0.3
    is_new[0] = True
    running = np.cumsum(is_new)
    company = np.where(is_new, running - 1, (rng.random(n) * running).astype(np.int64))
    company = np.where(~is_new & (rng.random(n) < 0.08), -1, company)
    batches = draw_batches(rng, n, START + 20 * DAY, END, 30, 0.03)
    firms = int(running[-1])
    fate = draw_existence(rng, created[is_new], 0.004, BIN_DAYS, 0.8)
    companies = Companies(leads.owner[is_new], fate, draw_batches(rng, firms, START + 20 * DAY, END, 10, 0.05))
    customers = existence.shifted(bought // SECOND * SECOND)
    return Contacts(leads, is_lead, has_owner, customers, company, merges, batches), companies


def _renewals(world: World, contacts: Contacts, companies: Companies) -> Renewals:
    rng = world.rng("renewals")
    pace = np.full(len(world.teams), RENEWALS_PER_TEAM * world.scale)
    team, created = world.arrivals("renewal arrivals", pace)
    created = np.sort(created + rng.integers(0, 1000, len(team)))
    existence = draw_existence(rng, created, 0.015, BIN_DAYS, 0.8)
    deals = simulate_deals(
        world, "renewal courses", team, created, existence, role="manager", median_amount=3000, win=0.40
    )
    offered = existence.shifted(fractions(rng, created, deals.closed, 1)[0])
    offered = np.where(rng.random(len(team)) < 0.85, offered, NEVER)
    firms = np.searchsorted(companies.existence.created, created)
    people = np.searchsorted(contacts.existence.created, created)
    company = np.where(firms > 0, (rng.random(len(team)) * firms).astype(np.int64), -1)
    contact = np.where(people > 0, (rng.random(len(team)) * people).astype(np.int64), -1)
    edits = START + np.array([230, 590, 800]) * DAY
    return Renewals(deals, offered, company, contact, rng.random(len(team)) < 0.05, edits)


def _talks(world: World, contacts: Contacts, tickets: Tickets, asking: Index) -> Talks:
    rng = world.rng("engagements")
    leads = contacts.leads
    touched = np.flatnonzero(leads.touched < END)
    n = len(touched)
    first = (rng.choice(3, n, p=[0.55, 0.40, 0.05]), touched, leads.touched[touched])
    again = touched[rng.random(n) < 0.12]
    later = leads.touched[again] + (rng.lognormal(np.log(4), 0.7, len(again)) * DAY).astype(np.int64) // SECOND * SECOND
    follow_up = (rng.choice(5, len(again), p=[0.35, 0.3, 0.1, 0.15, 0.1]), again, later)
    greeted = np.flatnonzero((rng.random(len(leads.team)) < 0.15) & (leads.entered < END))
    greeting = (np.ones(len(greeted), dtype=np.int64), greeted, leads.entered[greeted] + 20 * SECOND)
    wrote = np.flatnonzero((rng.random(len(leads.team)) < 0.03) & (leads.entered < END))
    inbound = (np.ones(len(wrote), dtype=np.int64), wrote, leads.entered[wrote] + 3 * MINUTE)
    replied = np.flatnonzero((tickets.replied < END) & (rng.random(len(tickets.team)) < 0.25))
    reply = (np.ones(len(replied), dtype=np.int64), asking[replied], tickets.replied[replied])
    parts = (first, follow_up, greeting, inbound, reply)
    kind, contact, time = (np.concatenate(c) for c in zip(*parts, strict=True))
    origin = np.repeat(np.arange(5), [len(p[0]) for p in parts])
    ticket = np.full(len(kind), -1)
    ticket[origin == 4] = replied
    owner = np.where(time >= leads.reassigned[contact], leads.next_owner[contact], leads.owner[contact])
    owner = np.where(contacts.has_owner[contact], owner, -1)
    owner[origin == 4] = np.where(
        time[origin == 4] >= tickets.reassigned[replied], tickets.next_owner[replied], tickets.owner[replied]
    )
    owner = np.where(origin == 2, -1, owner)
    time = np.where(origin == 4, time, contacts.existence.take(contact).shifted(time))
    order = np.argsort(time, kind="stable")
    order = order[time[order] < END]
    fate = draw_existence(rng, time[order], 0.003, BIN_DAYS, 0.8)
    return Talks(
        kind[order],
        contact[order],
        ticket[order],
        owner[order],
        (origin == 3)[order],
        (origin == 2)[order],
        fate,
    )
