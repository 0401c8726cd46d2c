"""How deals go, in whichever CRM they are kept: cycle, quarter ends, outcome, amount, and whose hands they pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from crmlift.simulator.clock import (
    DAY,
    HOUR,
    NEVER,
    SECOND,
    START,
    WEEKS,
    Flags,
    Index,
    Numbers,
    Times,
    from_wall,
    local_days,
    next_office_day,
    office_time,
    quarter_end_days,
)
from crmlift.simulator.existence import Existence
from crmlift.simulator.world import Staff, World


@dataclass(frozen=True)
class Deals:
    """One entry a deal. `closed` is NEVER for those binned while open.

    is_won: the outcome; would_win: the same draw had the rollout had no effect.
    amount: in the base currency, NaN if never filled in. owner, next_owner: positions in `World.people`;
    reassigned: when the owner changed (NEVER for most).
    """

    team: Index
    created: Times
    closed: Times
    is_won: Flags
    would_win: Flags
    amount: Numbers
    owner: Index
    next_owner: Index
    reassigned: Times
    existence: Existence

    @property
    def is_valid(self) -> Flags:
        """Deals that every sales KPI counts."""
        return (self.existence.deleted >= NEVER) & ~(self.amount < 0)


def simulate_deals(
    world: World,
    name: str,
    team: Index,
    created: Times,
    existence: Existence,
    *,
    role: str,
    median_amount: float,
    win: float,
) -> Deals:
    """Draw the whole course of these deals. Nothing but the outcome depends on the rollout, so timing is unaffected."""
    rng = world.rng(name)
    n = len(team)
    z = rng.normal(size=n)
    closed = existence.shifted(_closing(rng, created, np.exp(np.log(30) + 0.75 * z)))
    # slow deals are lost more often: lost deals close later although the outcome never moves a closing
    slowness = np.argsort(np.argsort(z)) / max(n - 1, 1)
    weekly = 0.04 * rng.normal(size=(len(world.teams), WEEKS + 400))
    week = np.minimum((closed - START) // (7 * DAY), WEEKS + 399)
    level = win * (1.25 - 0.5 * slowness) * np.exp(weekly[team, week])
    level *= np.exp(np.clip(0.08 * rng.normal(size=len(world.teams)), -0.15, 0.15))[team]
    u = rng.random(n)
    owner, next_owner, reassigned = hands(rng, world, world.staff(role), team, created, closed)
    return Deals(
        team,
        created,
        closed,
        (u < level * world.multiplier("win_rate", team, closed)) & (closed < NEVER),
        (u < level) & (closed < NEVER),
        _amounts(rng, world, team, median_amount),
        owner,
        next_owner,
        existence.shifted(reassigned),
        existence,
    )


def _closing(rng: Generator, created: Times, cycle_days: Numbers) -> Times:
    """Closings in office hours after the cycle, some of them pulled to the last days of the quarter."""
    day = next_office_day(local_days(created + (cycle_days * DAY).astype(np.int64)))
    ends = quarter_end_days()
    ahead = ends[np.minimum(np.searchsorted(ends, day), len(ends) - 1)]
    behind = ends[np.maximum(np.searchsorted(ends, day) - 1, 0)]
    u, spread = rng.random(len(day)), rng.integers(0, 7, len(day))
    day = np.where((ahead - day < 21) & (ahead >= day) & (u < 0.3), ahead - spread, day)
    day = np.where((day - behind < 10) & (u > 0.7), behind - spread, day)
    weekday = (day + 3) % 7
    day -= np.where(weekday == 5, 1, 0) + np.where(weekday == 6, 2, 0)
    closed = from_wall(day * DAY + office_time(rng.random(len(day))))
    soon = created + 2 * HOUR + (rng.random(len(day)) * 20 * HOUR).astype(np.int64) // SECOND * SECOND
    return np.asarray(np.maximum(closed, soon))


def _amounts(rng: Generator, world: World, team: Index, median: float) -> Numbers:
    n = len(team)
    level = np.exp(0.15 * rng.normal(size=len(world.teams)))[team]
    amount = np.round(median * level * np.exp(0.8 * rng.normal(size=n)), 2)
    u = rng.random(n)
    amount = np.where(u < 0.003, -amount, amount)
    amount = np.where((u >= 0.003) & (u < 0.007), 0.0, amount)
    return np.where((u >= 0.007) & (u < 0.02), np.nan, amount)


def hands(
    rng: Generator, world: World, staff: Staff, team: Index, created: Times, closed: Times
) -> tuple[Index, Index, Times]:
    """Owner at creation, next owner and the time of the change: a few go to another team, a leaver's all on one day."""
    n = len(team)
    owner = staff.choose(team, created, rng.random(n))
    is_moved = rng.random(n) < 0.04
    fraction, leaves_team = rng.random(n), rng.random(n) < 0.3
    span = np.minimum(closed, created + 120 * DAY) - created
    moved = created + (0.05 + 0.9 * fraction) * span
    changed = np.where(is_moved, np.maximum(moved.astype(np.int64) // SECOND * SECOND, created + SECOND), NEVER)
    end = np.array([p.end for p in world.people], dtype=np.int64)[owner]
    leaver = (end < closed) & (end > created)
    changed = np.where(leaver, end, changed)
    new_team = np.where(leaves_team & ~leaver, rng.integers(0, len(world.teams), n), team)
    safe = np.minimum(changed, NEVER)
    next_owner = staff.choose(new_team, safe, rng.random(n))
    changed = np.where(next_owner == owner, NEVER, changed)
    return owner, next_owner, changed


def fractions(rng: Generator, start: Times, end: Times, columns: int) -> list[Times]:
    """`columns` ordered moments strictly inside [start, end), each for all records; NEVER where the end never comes."""
    cuts = np.sort(rng.random((len(start), columns)), axis=1) * 0.96 + 0.01
    span = np.where(end < NEVER, end, start + 40 * DAY) - start
    moments = (start[:, None] + cuts * span[:, None]).astype(np.int64) // SECOND * SECOND
    return [np.maximum(moments[:, i], start + SECOND) for i in range(columns)]
