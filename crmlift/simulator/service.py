"""How requests for help go: first answer, waiting, solution, sometimes a second round."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.random import Generator

from crmlift.simulator.clock import DAY, END, HOUR, MINUTE, NEVER, SECOND, START, Flags, Index, Numbers, Times
from crmlift.simulator.deals import hands
from crmlift.simulator.existence import Batches, Existence, Merges, draw_batches, draw_existence, draw_merges
from crmlift.simulator.world import World

TICKETS_PER_TEAM, CASES_PER_TEAM = 3.55, 0.5


@dataclass(frozen=True)
class Tickets:
    """One entry a ticket; times are NEVER for what does not happen.

    replied, closed: first human answer, final solution; would_be_*: had the rollout had no effect.
    closed_early, reopened: a first solution that did not last. answered_back: the customer's last word.
    priority: 0 low, 1 medium, 2 high. owner, next_owner: positions in `World.people`.
    """

    team: Index
    replied: Times
    would_be_replied: Times
    answered_back: Times
    closed_early: Times
    reopened: Times
    closed: Times
    would_be_closed: Times
    priority: Index
    owner: Index
    next_owner: Index
    reassigned: Times
    existence: Existence
    merges: Merges
    batches: Batches

    @property
    def is_valid(self) -> Flags:
        """Tickets that every service KPI counts."""
        return self.existence.deleted >= NEVER


@lru_cache(maxsize=2)
def simulate_tickets(world: World) -> Tickets:
    """Requests to the service desk, which it keeps in HubSpot."""
    rng = world.rng("tickets")
    pace = TICKETS_PER_TEAM * world.scale * np.exp(0.2 * rng.normal(size=len(world.teams)))
    team, created = world.arrivals("ticket arrivals", pace)
    created = np.sort(created + rng.integers(0, 1000, len(team)))
    existence = draw_existence(rng, created, 0.010, 90, 0.8)
    merges, existence = draw_merges(rng, existence, 0.006)
    return _courses(world, rng, team, existence, merges, "agent")


@lru_cache(maxsize=2)
def simulate_cases(world: World) -> Tickets:
    """Complaints about orders, which sellers settle in Salesforce; binned ones stay in the bin."""
    rng = world.rng("cases")
    pace = CASES_PER_TEAM * world.scale * np.exp(0.2 * rng.normal(size=len(world.teams)))
    team, created = world.arrivals("case arrivals", pace)
    existence = draw_existence(rng, created, 0.010, 15, 0.0)
    merges, existence = draw_merges(rng, existence, 0.0)
    return _courses(world, rng, team, existence, merges, "seller")


def _courses(world: World, rng: Generator, team: Index, existence: Existence, merges: Merges, role: str) -> Tickets:
    """Draw how requests go; only the two waiting times depend on the rollout."""
    n, created = len(team), existence.created
    priority = rng.choice(3, n, p=[0.25, 0.6, 0.15])
    urgency = np.array([1.4, 1.0, 0.55])[priority]
    level = np.exp(0.12 * rng.normal(size=(2, len(world.teams))))[:, team]
    wait = np.minimum(95 * MINUTE * urgency * level[0] * np.exp(0.9 * rng.normal(size=n)), 12 * DAY)
    work = 30 * HOUR * urgency * level[1] * np.exp(0.9 * rng.normal(size=n)) + MINUTE
    is_replied = (rng.random(n) >= 0.04) & (work > 1.05 * wait)
    is_closed = rng.random(n) >= 0.015
    faster = world.multiplier("first_response_minutes", team, created)
    sooner = world.multiplier("resolution_hours", team, created)

    def moment(happens: Flags, after: Numbers) -> Times:
        whole = np.maximum(after.astype(np.int64) // SECOND * SECOND, SECOND)
        return existence.shifted(np.where(happens, created + whole, NEVER))

    closed = moment(is_closed, work * sooner)
    owner, next_owner, reassigned = hands(rng, world, world.staff(role), team, created, closed)
    again = is_closed & is_replied & (rng.random(n) < 0.05)
    answered_back = is_replied & (rng.random(n) < 0.55) & ~again
    gap = work * sooner - wait * faster
    return Tickets(
        team,
        moment(is_replied, wait * faster),
        moment(is_replied, wait),
        moment(answered_back, wait * faster + 0.5 * gap),
        moment(again, wait * faster + 0.4 * gap),
        moment(again, wait * faster + 0.6 * gap),
        closed,
        moment(is_closed, work),
        priority,
        owner,
        next_owner,
        existence.shifted(reassigned),
        existence,
        merges,
        draw_batches(rng, n, START + 20 * DAY, END, 25, 0.03),
    )
