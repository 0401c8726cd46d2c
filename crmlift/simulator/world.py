"""The company behind both CRMs: its teams, its people, the rhythm of its weeks, and the day each team went live."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.random import Generator

from crmlift.simulator import words
from crmlift.simulator.clock import (
    DAY,
    END,
    NEVER,
    OFFICE_DAYS,
    START,
    START_DAY,
    WEB_DAYS,
    WEEKS,
    Index,
    Numbers,
    Times,
    from_wall,
    local_ms,
    office_time,
    wall_ms,
    web_time,
)
from crmlift.simulator.scenario import CONTROL_TEAMS, LEARNING_DAYS, WAVES, Scenario

ROLES = ("seller", "sdr", "agent", "manager")


@dataclass(frozen=True)
class Person:
    """Somebody who works here; `team` −1 is the head office, `end` NEVER for those who stay."""

    first: str
    last: str
    email: str
    role: str
    team: int
    start: int
    end: int


@dataclass(frozen=True)
class Staff:
    """The people of one role: positions in `World.people`, team by team, with the one who never leaves first."""

    people: Index
    first: Index
    size: Index
    start: Times
    end: Times

    def choose(self, team: Index, at: Times, uniform: Numbers) -> Index:
        """Somebody of each team who works there at the time: positions in `World.people`."""
        chosen = self.first[team] + (uniform * self.size[team]).astype(np.int64)
        is_there = (self.start[chosen] <= at) & (self.end[chosen] > at)
        return self.people[np.where(is_there, chosen, self.first[team])]


class World:
    """Everything random that several parts of the company share; the parts draw the rest from `rng(their name)`."""

    def __init__(self, scenario: Scenario, seed: int, scale: int) -> None:
        self.scenario, self.seed, self.scale = scenario, seed, scale
        self.teams = [f"Branch {city}" for city in words.CITIES]
        order = self.rng("waves").permutation(len(self.teams))
        self.go_live = np.full(len(self.teams), NEVER, dtype=np.int64)
        self.wave_teams: dict[str, list[int]] = {}
        first = 0
        for wave in WAVES:
            members = sorted(order[first : first + wave.teams].tolist())
            self.wave_teams[wave.id] = members
            self.go_live[members] = local_ms(wave.go_live)
            first += wave.teams
        self.controls = sorted(order[first : first + CONTROL_TEAMS].tolist())
        self.learned = np.where(self.go_live < NEVER, self.go_live + LEARNING_DAYS * DAY, NEVER)
        self.people = _hire(self)

    def rng(self, name: str) -> Generator:
        """A generator of its own for each part, so that a change in one part leaves the others as they are."""
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    def staff(self, role: str) -> Staff:
        """The people of one role."""
        members = [i for i, p in enumerate(self.people) if p.role == role]
        teams = np.array([self.people[i].team for i in members])
        return Staff(
            np.array(members),
            np.searchsorted(teams, np.arange(len(self.teams))),
            np.bincount(teams, minlength=len(self.teams)),
            np.array([self.people[i].start for i in members], dtype=np.int64),
            np.array([self.people[i].end for i in members], dtype=np.int64),
        )

    @cached_property
    def team_of(self) -> Index:
        """Team of each person."""
        return np.array([p.team for p in self.people])

    def multiplier(self, kpi_id: str, team: Index, at: Times) -> Numbers:
        """What the rollout makes of the quantity behind a KPI, for a team at a time: 1, the dip, then the effect."""
        effect = self.scenario.effects.get(kpi_id, 0.0)
        dip = self.scenario.dip if effect < 0 else -self.scenario.dip / 2
        live = at >= self.go_live[team]
        learned = at >= self.learned[team]
        during = np.where(live & (effect != 0.0), 1 + dip, 1.0)
        return np.array(np.where(learned, 1 + effect, during), dtype=np.float64)

    @cached_property
    def company_noise(self) -> Numbers:
        """Log of the demand shared by all teams, week by week, as one row."""
        return _autoregressive(self.rng("demand"), 1, 0.05, 0.6)

    def arrivals(self, name: str, per_week: Numbers, *, is_web: bool = False) -> tuple[Index, Times]:
        """Teams and times (sorted) of events that come at these mean weekly rates a team in the first year."""
        rng = self.rng(name)
        noise = self.company_noise + _autoregressive(rng, len(self.teams), 0.08, 0.4)
        rates = per_week[:, None] * season() * np.exp(noise)
        counts = rng.poisson(rates)
        team = np.repeat(np.repeat(np.arange(len(self.teams)), WEEKS), counts.ravel())
        week = np.repeat(np.tile(np.arange(WEEKS), len(self.teams)), counts.ravel())
        days = WEB_DAYS if is_web else OFFICE_DAYS
        day = np.searchsorted(days / days[-1], rng.random(len(week)), side="right")
        of_day = (web_time if is_web else office_time)(rng.random(len(week)))
        times = from_wall(wall_ms(START_DAY) + (week * 7 + day) * DAY + of_day)
        order = np.argsort(times, kind="stable")
        return team[order], times[order]


def season() -> Numbers:
    """Mean level of demand for each week: 8 % growth a year, a strong autumn, a low in August and at New Year."""
    week = np.arange(WEEKS)
    of_year = week % 52.18
    level = 1.08 ** (week / 52.18) * (1 + 0.07 * np.cos(2 * np.pi * of_year / 52.18))
    level *= 1 - 0.12 * np.exp(-(((of_year - 40) / 3) ** 2))
    return np.asarray(level * np.where(np.isin(week % 52, (8, 9)), 0.62, 1.0))


def _autoregressive(rng: Generator, rows: int, sd: float, rho: float) -> Numbers:
    shocks = rng.normal(0, sd * np.sqrt(1 - rho**2), (rows, WEEKS))
    out = np.empty_like(shocks)
    out[:, 0] = rng.normal(0, sd, rows)
    for week in range(1, WEEKS):
        out[:, week] = rho * out[:, week - 1] + shocks[:, week]
    return out


def _hire(world: World) -> list[Person]:
    rng = world.rng("people")
    people: list[Person] = []
    taken: set[str] = set()
    for role, low, high in (("seller", 3, 7), ("sdr", 1, 2), ("agent", 1, 2), ("manager", 1, 1)):
        for team in range(len(world.teams)):
            count = int(rng.integers(low, high + 1)) * (1 if role == "manager" else world.scale)
            people += [_person(rng, role, team, rank, taken) for rank in range(count)]
    return people


def _person(rng: Generator, role: str, team: int, rank: int, taken: set[str]) -> Person:
    first = words.FIRST_NAMES[rng.integers(len(words.FIRST_NAMES))]
    last = words.LAST_NAMES[rng.integers(len(words.LAST_NAMES))]
    script = int(rng.random() < 0.5)
    joins, leaves, spot = rng.random(3)
    email = f"{first[1]}.{last[1]}".lower()
    while email in taken:
        email += str(int(rng.integers(10)))
    taken.add(email)
    start, end = START - 20 * DAY, NEVER
    if rank and role != "manager" and joins < 0.15:
        start = START + int(spot * 100) * 7 * DAY
    elif rank and role != "manager" and leaves < (0.15 if role == "seller" else 0.35):
        end = START + 30 * 7 * DAY + int(spot * 110) * 7 * DAY
    return Person(first[script], last[script], f"{email}@example-branches.com", role, team, start, end)


def rollout(world: World) -> dict[str, Any]:
    """The rollout as `crmlift.yml` declares it."""
    names: Sequence[str] = world.teams
    return {
        "id": "crm-2025",
        "name": "CRM for all branches",
        "waves": [
            {
                "id": wave.id,
                "scope": "team",
                "members": [names[t] for t in world.wave_teams[wave.id]],
                "go_live": wave.go_live,
                "learning_days": LEARNING_DAYS,
            }
            for wave in WAVES
        ],
        "controls": [names[t] for t in world.controls],
    }


def logins(world: World, members: Index, name: str) -> tuple[Index, Times]:
    """Who logs in when (sorted by time) over the whole span: people of teams that have gone live, on working days."""
    rng = world.rng(name)
    day = wall_ms(START_DAY) + np.arange(WEEKS * 7) * DAY
    habit = 0.55 + 0.4 * rng.random(len(members))
    uniform, at = rng.random((len(members), len(day))), rng.random((len(members), len(day)))
    is_workday = np.arange(len(day)) % 7 < 5
    who, when = np.nonzero(uniform < habit[:, None] * is_workday)
    times = from_wall(day[when] + office_time(at[who, when] * 0.35))
    person = members[who]
    start = np.array([p.start for p in world.people])[person]
    end = np.array([p.end for p in world.people])[person]
    kept = (times >= world.go_live[world.team_of[person]]) & (times >= start) & (times < end) & (times < END)
    order = np.argsort(times[kept], kind="stable")
    return person[kept][order], times[kept][order]
