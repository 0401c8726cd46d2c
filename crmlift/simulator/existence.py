"""When records come, go to the bin, return, and are gone for good."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from crmlift.simulator.clock import DAY, NEVER, SECOND, Flags, Index, Times


@dataclass(frozen=True)
class Existence:
    """One entry a record; `created` < `deleted` < `restored` and `purged`, NEVER where it does not happen."""

    created: Times
    deleted: Times
    restored: Times
    purged: Times

    def visible(self, at: int) -> Index:
        """Positions of the records the source still or already holds, deleted ones included."""
        return np.flatnonzero((self.created <= at) & (self.purged > at))

    def is_deleted(self, at: int) -> Flags:
        """Which records lie in the bin (or are gone)."""
        return (self.deleted <= at) & (self.restored > at)

    def purged_before(self, at: int) -> Index:
        """Positions of records that existed and are gone for good."""
        return np.flatnonzero(self.purged <= at)

    def shifted(self, event: Times) -> Times:
        """An event: while the record lies in the bin nothing happens, it waits for the return or never comes."""
        return np.where((event > self.deleted) & (event <= self.restored), self.restored, event)

    def comings(self, index: Index) -> list[Times]:
        """When the linked records at these positions go and return; NEVER for −1."""
        return [np.where(index >= 0, t[index], NEVER) for t in (self.deleted, self.restored)]

    def take(self, index: Index) -> Existence:
        """The fate of the parents at these positions, for child records."""
        return Existence(self.created[index], self.deleted[index], self.restored[index], self.purged[index])


def draw_existence(rng: Generator, created: Times, share: float, bin_days: int, purged_share: float) -> Existence:
    """Delete a share of the records some weeks after creation; an eighth return, some of the rest are purged."""
    n = len(created)
    picked, returns, purges = rng.random(n), rng.random(n), rng.random(n)
    age = np.maximum(2.0, rng.lognormal(np.log(45), 0.9, n))
    pause = 0.2 + 9 * rng.random(n)
    deleted = np.where(picked < share, created + _whole_seconds(age * DAY), NEVER)
    is_back = (deleted < NEVER) & (returns < 0.125)
    restored = np.where(is_back, deleted + _whole_seconds(pause * DAY), NEVER)
    is_purged = (deleted < NEVER) & ~is_back & (purges < purged_share)
    purged = np.where(is_purged, deleted + _whole_seconds((bin_days + 10 * pause) * DAY), NEVER)
    return Existence(created, deleted, restored, purged)


def lasting(created: Times) -> Existence:
    """Records nobody ever deletes."""
    never = np.full(len(created), NEVER, dtype=np.int64)
    return Existence(created, never, never, never)


def _whole_seconds(milliseconds: np.ndarray) -> Times:
    return milliseconds.astype(np.int64) // SECOND * SECOND


@dataclass(frozen=True)
class Batches:
    """Mass updates by a system user: every touched record gets the very same time of change."""

    times: Times
    members: tuple[Index, ...]

    def last(self, n: int, at: int, created: Times) -> Times:
        """For each of `n` records the last mass update not after `at`; 0 where there is none."""
        out = np.zeros(n, dtype=np.int64)
        for time, members in zip(self.times.tolist(), self.members, strict=True):
            if time > at:
                break
            out[members[created[members] <= time]] = time
        return out


def draw_batches(rng: Generator, n: int, start: int, end: int, count: int, share: float) -> Batches:
    """`count` mass updates spread over the span, each touching a random `share` of the records."""
    times = np.sort(rng.integers(start, end, count)) // SECOND * SECOND
    size = int(n * share)
    return Batches(times, tuple(np.sort(rng.choice(n, size, replace=False)) for _ in range(count)))


@dataclass(frozen=True)
class Merges:
    """HubSpot merges: the record vanishes at once and lives on in `master`; `time` is NEVER for most."""

    master: Index
    time: Times

    def survivor(self, index: Index, at: int) -> Index:
        """Where each record's links point at a moment, through chains of merges; −1 stays −1."""
        out = index
        while True:
            following = np.where((out >= 0) & (self.time[out] <= at), self.master[out], out)
            if (following == out).all():
                return out
            out = following

    def moves(self, index: Index) -> list[Times]:
        """When the links of these records are moved to a survivor, one array a step of the longest chain."""
        out: list[Times] = []
        current = index
        while True:
            time = np.where(current >= 0, self.time[current], NEVER)
            if (time >= NEVER).all():
                return out
            out.append(time)
            current = np.where(time < NEVER, self.master[current], -1)

    def last(self, at: int) -> Times:
        """For each record the last time another one was merged into it, directly."""
        out = np.zeros(len(self.time), dtype=np.int64)
        happened = np.flatnonzero(self.time <= at)
        np.maximum.at(out, self.master[happened], self.time[happened])
        return out


def draw_merges(rng: Generator, existence: Existence, share: float) -> tuple[Merges, Existence]:
    """Merge a share of the records into older ones that are never deleted; gives the fates that follow from it."""
    n = len(existence.created)
    master = np.arange(n)
    time = np.full(n, NEVER, dtype=np.int64)
    losers = np.flatnonzero((rng.random(n) < share) & (existence.deleted >= NEVER))
    losers = losers[losers > 20]
    # near ones, so that some masters are merged themselves later on
    masters = losers - 1 - (rng.random(len(losers)) * np.minimum(losers - 1, 60)).astype(np.int64)
    when = existence.created[losers] + _whole_seconds(rng.lognormal(np.log(20), 1.0, len(losers)) * DAY)
    master[losers], time[losers] = masters, when
    broken = (existence.deleted[master] < NEVER) | ((time[master] <= time) & (master != np.arange(n)))
    master, time = np.where(broken, np.arange(n), master), np.where(broken, NEVER, time)
    gone = np.minimum(existence.deleted, time)
    return Merges(master, time), Existence(
        existence.created, gone, existence.restored, np.minimum(existence.purged, time)
    )
