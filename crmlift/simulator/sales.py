"""What happens in Salesforce over the whole span: partner leads, deals with the accounts behind them, their course."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np

from crmlift.simulator.clock import (
    DAY,
    END,
    NEVER,
    SECOND,
    START,
    Flags,
    Index,
    Numbers,
    Times,
    local_days,
)
from crmlift.simulator.deals import Deals, fractions, simulate_deals
from crmlift.simulator.existence import Batches, Existence, draw_batches, draw_existence
from crmlift.simulator.leads import Leads, simulate_leads
from crmlift.simulator.sales_reference import LOST, WON, month_of, rates
from crmlift.simulator.world import World

DEALS_PER_SELLER = 0.90
PARTNER_LEADS_PER_TEAM = 0.25


@dataclass(frozen=True)
class Accounts:
    """Buying organisations; the last ones never bought. `master` is the account a merged one went into."""

    team: Index
    owner: Index
    master: Index
    existence: Existence

    def survivor(self, account: Index, at: int) -> Index:
        """Where the records of these accounts are kept at a moment: merging moves them."""
        return np.where(self.existence.deleted[account] <= at, self.master[account], account)

    def merged(self, account: Index) -> Times:
        """When these accounts are merged away; NEVER for most."""
        return np.where(self.master[account] != account, self.existence.deleted[account], NEVER)


@dataclass(frozen=True)
class Course:
    """Changes of deals, (deal, slot): time (NEVER: not in this deal) and the state after it, carried on to the right.

    slots: created, two stages, amount revised, a stage, lost too early, reopened, pushed, closed, corrected afterwards.
    amount: native currency, NaN for empty. close_day: the editable date, days since 1970. number: running number of the
    history row, −1 where there is none.
    """

    time: Times
    stage: Index
    amount: Numbers
    close_day: Times
    number: Index

    def last(self, at: int) -> Index:
        """The slot each deal has reached."""
        slots = np.arange(self.time.shape[1])
        return np.asarray(np.where(self.time <= at, slots, 0).max(axis=1))


@dataclass(frozen=True)
class Sales:
    """Everything that ever happens in Salesforce, before a moment is chosen to look at it."""

    leads: Leads
    deals: Deals
    accounts: Accounts
    course: Course
    account: Index
    lead: Index  # the converted lead of each deal, −1 for most
    currency: Index  # 0 EUR, 1 USD, 2 UAH
    deal_batches: Batches
    account_batches: Batches


@lru_cache(maxsize=2)
def simulate_sales(world: World) -> Sales:
    """Draw all of it."""
    leads = _partner_leads(world)
    rng = world.rng("deals")
    sellers = world.staff("seller")
    pace: Numbers = np.exp(0.1 * rng.normal(size=len(world.teams)))
    pace = pace * (DEALS_PER_SELLER * sellers.size)
    team, created = world.arrivals("deal arrivals", pace)
    converted = np.flatnonzero((leads.converted < END) & leads.is_valid)
    team = np.concatenate([team, leads.team[converted]])
    created = np.concatenate([created, leads.converted[converted]])
    lead = np.concatenate([np.full(len(team) - len(converted), -1), converted])
    order = np.argsort(created, kind="stable")
    team, created, lead = team[order], created[order], lead[order]
    existence = draw_existence(rng, created, 0.012, 15, 0.5)
    existence = _never_deleted(existence, lead >= 0)
    deals = simulate_deals(world, "deal courses", team, created, existence, role="seller", median_amount=8500, win=0.30)
    accounts, account = _accounts(world, deals)
    currency = rng.choice(3, len(team), p=[0.89, 0.06, 0.05])
    batches = draw_batches(rng, len(team), START + 30 * DAY, END, 40, 0.03)
    account_batches = draw_batches(rng, len(accounts.team), START + 30 * DAY, END, 12, 0.05)
    course = _course(world, deals, currency)
    return Sales(leads, deals, accounts, course, account, lead, currency, batches, account_batches)


def _partner_leads(world: World) -> Leads:
    rng = world.rng("partner leads")
    pace = np.full(len(world.teams), PARTNER_LEADS_PER_TEAM * world.scale)
    team, created = world.arrivals("partner lead arrivals", pace, is_web=True)
    existence = draw_existence(rng, created, 0.01, 15, 0.5)
    answered = np.full(len(team), 0.9)
    return simulate_leads(world, "partner lead courses", team, created, existence, role="seller", answered=answered)


def _never_deleted(existence: Existence, which: Flags) -> Existence:
    spared = {
        f.name: np.where(which, NEVER, getattr(existence, f.name)) for f in fields(Existence) if f.name != "created"
    }
    return Existence(existence.created, **spared)


def _accounts(world: World, deals: Deals) -> tuple[Accounts, Index]:
    """A third of the deals open a new account, the others go to an earlier account of the team."""
    rng = world.rng("accounts")
    n = len(deals.team)
    by_team = np.lexsort((deals.created, deals.team))
    team = deals.team[by_team]
    is_first = np.diff(team, prepend=-1) != 0
    is_new = (rng.random(n) < 0.34) | is_first
    running = np.cumsum(is_new)
    base = running[np.flatnonzero(is_first)] - 1
    seen = running - base[team]
    position = base[team] + np.where(is_new, seen - 1, (rng.random(n) * seen).astype(np.int64))
    opened = np.maximum(deals.created[by_team][is_new] - rng.integers(600, 2 * 86400, is_new.sum()) * SECOND, START)
    rank = np.empty(len(opened), dtype=np.int64)
    rank[np.argsort(opened, kind="stable")] = np.arange(len(opened))
    account = np.empty(n, dtype=np.int64)
    account[by_team] = rank[position]
    chronological = np.argsort(rank)
    return _fate(world, team[is_new][chronological], opened[chronological]), account


def _fate(world: World, team: Index, opened: Times) -> Accounts:
    """Merges of duplicates, and prospects without deals, some of which get deleted."""
    rng = world.rng("account fates")
    buyers, idle = len(team), len(team) // 8
    created = np.concatenate([opened, rng.integers(START + DAY, END - DAY, idle) // SECOND * SECOND])
    team = np.concatenate([team, rng.integers(0, len(world.teams), idle)])
    n = buyers + idle
    master = np.arange(n)
    losers = np.flatnonzero(rng.random(buyers) < 0.02)
    keepers = (losers * rng.random(len(losers)) * 0.98).astype(np.int64)
    kept = ~np.isin(keepers, losers) & (keepers < losers)
    losers, keepers = losers[kept], keepers[kept]
    master[losers] = keepers
    existence = draw_existence(rng, created, 0.12, 15, 0.5)
    existence = _never_deleted(existence, np.arange(n) < buyers)
    deleted = existence.deleted.copy()
    deleted[losers] = (
        created[losers] + (rng.lognormal(np.log(50), 0.8, len(losers)) * DAY).astype(np.int64) // SECOND * SECOND
    )
    existence = Existence(created, deleted, existence.restored, existence.purged)
    owner = world.staff("seller").choose(team, created, rng.random(n))
    return Accounts(team, owner, master, existence)


def _course(world: World, deals: Deals, currency: Index) -> Course:
    rng = world.rng("courses")
    n = len(deals.team)
    cuts = fractions(rng, deals.created, deals.closed, 5)
    chance = rng.random((n, 8))
    is_reopened = (chance[:, 0] < 0.012) & (deals.closed < NEVER)
    hold = deals.existence.shifted
    corrected = np.where(deals.closed < NEVER, deals.closed, 0) + (DAY + chance[:, 7] * 20 * DAY).astype(np.int64)
    slots = [
        (deals.created, 0),
        (hold(np.where(chance[:, 1] < 0.78, cuts[0], NEVER)), 1),
        (hold(np.where(chance[:, 2] < 0.72, cuts[1], NEVER)), 2),
        (hold(np.where(chance[:, 3] < 0.22, cuts[2], NEVER)), -1),
        (hold(np.where((chance[:, 4] < 0.6) & ~is_reopened, cuts[3], NEVER)), 3),
        (hold(np.where(is_reopened, cuts[3], NEVER)), LOST),
        (hold(np.where(is_reopened, cuts[4], NEVER)), 3),
        (hold(np.where((chance[:, 5] < 0.25) & ~is_reopened, cuts[4], NEVER)), -1),
        (deals.closed, -2),
        (
            hold(np.where((chance[:, 6] < 0.02) & (deals.closed < NEVER), corrected // SECOND * SECOND, NEVER)),
            -1,
        ),
    ]
    time = np.stack([t for t, _ in slots], axis=1)
    stage = _carried(time, [s for _, s in slots], np.where(deals.is_won, WON, LOST))
    amount = _native_amounts(world, deals, currency, time, rng.random(n))
    close_day = _close_days(deals, time, rng.random((n, 2)))
    is_row = (time < END) & ((rng.random(n) >= 0.1)[:, None] | (np.arange(10) > 0)[None, :])
    number = np.where(is_row, is_row.ravel().cumsum().reshape(n, 10) - 1, -1)
    return Course(time, stage, amount, close_day, number)


def _carried(time: Times, stages: list[int], outcome: Index) -> Index:
    stage = np.zeros(time.shape, dtype=np.int64)
    for slot, value in enumerate(stages[1:], start=1):
        new = outcome if value == -2 else np.full(len(time), value)
        stage[:, slot] = np.where((time[:, slot] < NEVER) & (new >= 0), new, stage[:, slot - 1])
    return stage


def _native_amounts(world: World, deals: Deals, currency: Index, time: Times, u: Numbers) -> Numbers:
    table = np.vstack([np.ones(38), rates(world)])
    final = np.round(deals.amount * table[currency, month_of(deals.created)], 2)
    is_revised = time[:, 3] < NEVER
    start = np.where(is_revised, np.where(u < 0.4, np.nan, np.round(final * (0.6 + 0.7 * u), 2)), final)
    amount = np.where(np.arange(time.shape[1])[None, :] < 3, start[:, None], final[:, None])
    amount[:, 9] = np.where((time[:, 9] < NEVER) & (u > 0.5), np.round(final * 1.03, 2), final)
    return amount


def _close_days(deals: Deals, time: Times, u: Numbers) -> Times:
    expected = local_days(deals.created) + 14 + (u[:, 0] * 60).astype(np.int64)
    day = np.repeat(expected[:, None], time.shape[1], axis=1)
    early = time[:, 5] < NEVER
    day[:, 5] = np.where(early, local_days(time[:, 5]), day[:, 5])
    day[:, 6:] = np.where(early, expected + 30, expected)[:, None]
    day[:, 7:] += np.where(time[:, 7] < NEVER, 30, 0)[:, None]
    day[:, 8:] = np.where(deals.closed < NEVER, local_days(deals.closed), day[:, 7])[:, None]
    edited = (time[:, 9] < NEVER) & (u[:, 1] < 0.6)
    day[:, 9] += np.where(edited, -(3 + (u[:, 1] * 20).astype(np.int64)), 0)
    return day
