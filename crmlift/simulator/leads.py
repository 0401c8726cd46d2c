"""How leads go, in whichever CRM they are kept: first answer, qualification, conversion or rejection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crmlift.simulator.clock import DAY, MINUTE, NEVER, SECOND, Flags, Index, Numbers, Times
from crmlift.simulator.deals import hands
from crmlift.simulator.existence import Existence
from crmlift.simulator.world import World


@dataclass(frozen=True)
class Leads:
    """One entry a lead; times are NEVER for what does not happen.

    entered: when it became a lead. touched: first human answer; would_be_touched: had the rollout had no effect.
    owner, next_owner: positions in `World.people`.
    """

    team: Index
    entered: Times
    touched: Times
    would_be_touched: Times
    qualified: Times
    accepted: Times
    converted: Times
    disqualified: Times
    owner: Index
    next_owner: Index
    reassigned: Times
    existence: Existence

    @property
    def is_valid(self) -> Flags:
        """Leads that every lead KPI counts."""
        return self.existence.deleted >= NEVER


def simulate_leads(
    world: World,
    name: str,
    team: Index,
    entered: Times,
    existence: Existence,
    *,
    role: str,
    answered: Numbers,
) -> Leads:
    """Draw the course of these leads; `answered` is each one's probability of ever being answered.

    Only the waiting time depends on the rollout: whether and when a lead is qualified or converted does not.
    """
    rng = world.rng(name)
    n = len(team)
    level = np.exp(0.12 * rng.normal(size=len(world.teams)))[team]
    wait = np.minimum(140 * MINUTE * level * np.exp(1.0 * rng.normal(size=n)), 10 * DAY)
    is_answered = rng.random(n) < answered
    slowest = wait * (1 + world.scenario.dip) + 5 * MINUTE
    delay = np.maximum(np.maximum(1.0, rng.lognormal(np.log(9), 0.8, n)) * DAY, slowest)
    is_converted = is_answered & (rng.random(n) < 0.24)
    is_accepted = is_converted | (rng.random(n) < 0.15)
    is_qualified = is_accepted | (rng.random(n) < 0.35)
    rejection = np.maximum(rng.lognormal(np.log(21), 0.6, n) * DAY, slowest)
    is_rejected = ~is_converted & (rng.random(n) < 0.5)
    ends = entered + np.where(is_converted, delay, np.where(is_rejected, rejection, 60 * DAY)).astype(np.int64)
    owner, next_owner, reassigned = hands(rng, world, world.staff(role), team, entered, ends)
    effect = world.multiplier("lead_response_minutes", team, entered)

    def moment(happens: Flags, after: Numbers) -> Times:
        return existence.shifted(np.where(happens, entered + _whole(after), NEVER))

    return Leads(
        team,
        entered,
        moment(is_answered, wait * effect),
        moment(is_answered, wait),
        moment(is_qualified, 0.35 * delay),
        moment(is_accepted, 0.7 * delay),
        moment(is_converted, delay),
        moment(is_rejected, rejection),
        owner,
        next_owner,
        existence.shifted(reassigned),
        existence,
    )


def _whole(milliseconds: Numbers) -> Times:
    return np.maximum(milliseconds.astype(np.int64) // SECOND * SECOND, SECOND)
