"""Teams that go live in waves: D11 (ramping effects, with and without teams that never do), D10 (bad quarters), D15
(teams that stop reporting) and D19 (go-lives that are only planned)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.processes import AUTOCORRELATION, DIP, DIP_WEEKS, MONDAY, NOISE, SEED, World, autoregressive, calendar
from metrics.question import Bools, Floats, Question, Times

QUARTER = 13
LEAVING_WEEKS = (4, 16)
PLANNED_DAYS = 28
"""How far beyond the end of the data the first planned go-live lies, and how far apart they are."""


@dataclass(frozen=True)
class Rollout:
    """Teams in waves. ramp: the effect grows over 13 weeks. kind: count, sum (heavy-tailed amounts), proportion.

    is_selected: the teams that go live first are those that had the worst quarter just before (D10). gone_live,
    gone_never: how many teams of each have no records any more from some weeks after the first go-live on (D15).
    planned: how many of those that never go live have a date after the end of the data (D19).
    """

    teams: int
    never: int = 0
    effect: float = 0.0
    ramp: bool = True
    kind: str = "count"
    weeks: int = 104
    first_week: int = 52
    gap_weeks: int = 8
    waves: int = 5
    rate: float = 30.0
    noise: float = NOISE
    own_trend: float = 0.03
    learning_weeks: int = DIP_WEEKS
    is_selected: bool = False
    gone_live: int = 0
    gone_never: int = 0
    planned: int = 0

    @property
    def process(self) -> int:
        """The number that seeds its draws."""
        named = {10: self.is_selected, 15: self.gone_live + self.gone_never, 19: self.planned}
        return next((number for number, is_so in named.items() if is_so), 11)


def staggered(rollout: Rollout, rep: int, seed: int = SEED) -> World:
    """D11: common growth, season, quarter ends and a shared walk; teams differ in size and have trends of their own."""
    rng = np.random.default_rng([seed, rollout.process, rollout.teams * 100 + rollout.never, rep])
    teams, weeks = rollout.teams, rollout.weeks
    start = MONDAY
    t = np.arange(weeks)
    order = rng.permutation(teams)
    common = calendar(rng, start, weeks) + np.cumsum(rng.normal(0, 0.01, weeks))
    own = rng.normal(0, 0.4, teams)[:, None] + rng.normal(0, rollout.own_trend, teams)[:, None] * t / 52
    noise = autoregressive(rng, (teams, weeks), AUTOCORRELATION, rollout.noise)
    if rollout.is_selected:
        order = np.argsort(noise[:, rollout.first_week - QUARTER : rollout.first_week].sum(1))
    go_live, began = _dates(order, rollout, start)
    there = t[None, :] < _left(rng, began, rollout)[:, None]
    level = own + noise
    since = t[None, :] - began[:, None]
    grown = np.clip((since + 1) / 13, 0, 1) if rollout.ramp else 1.0
    lift = np.where(since >= 0, rollout.effect * grown, 0.0)
    dip = np.where((since >= 0) & (since < rollout.learning_weeks), 1 + DIP, 1.0)
    plain = np.exp(level + (common if rollout.kind != "proportion" else 0.3 * common))
    counts = rng.poisson(rollout.rate * (plain * (1 + lift) * dip if rollout.kind != "proportion" else np.exp(own)))
    counts = np.where(there, counts, 0)
    unit, week = np.repeat(np.arange(teams), counts.sum(1)), np.concatenate([np.repeat(t, c) for c in counts])
    num = np.ones(len(unit))
    if rollout.kind == "sum":
        num = rng.lognormal(8, 1.0, len(unit))
    if rollout.kind == "proportion":
        chance = np.minimum(0.25 * plain / np.exp(own) * (1 + lift) * dip, 1.0)
        num = (rng.random(len(unit)) < chance[unit, week]).astype(float)
    truth = _truth(np.where(there, plain, 0.0), lift, since, rollout)
    question = Question(
        kind=rollout.kind, better="higher",  # type: ignore[arg-type]
        at=(start + 7 * week + rng.integers(0, 7, len(week))).astype("datetime64[s]"), unit=unit.astype(np.int64),
        num=num, den=np.ones(len(unit)), observed=np.ones(len(unit), bool), go_live=go_live,
        as_of=start + 7 * weeks, learning_days=7 * rollout.learning_weeks, alpha_policy="single",
        with_check=False,
    )  # fmt: skip
    return World(question, truth)


def _dates(order: np.ndarray, rollout: Rollout, start: np.datetime64) -> tuple[Times, np.ndarray]:
    """Go-live days (NaT: never) and weeks (far away: never); waves are dealt along the order."""
    began = np.full(rollout.teams, 10**6)
    treated = order[: rollout.teams - rollout.never]
    waves = min(rollout.waves, len(treated))
    began[treated] = rollout.first_week + rollout.gap_weeks * (np.arange(len(treated)) * waves // len(treated))
    days = np.full(rollout.teams, np.datetime64("NaT", "D"))
    days[treated] = start + 7 * began[treated]
    ahead = order[rollout.teams - rollout.never :][: rollout.planned]
    days[ahead] = start + 7 * rollout.weeks + PLANNED_DAYS * (1 + np.arange(len(ahead)) % 5)
    return days, began


def _left(rng: np.random.Generator, began: np.ndarray, rollout: Rollout) -> np.ndarray:
    """The week from which on each team has no records; far away: none."""
    left = np.full(rollout.teams, 10**6)
    is_live = began < 10**6
    for members, number in ((is_live, rollout.gone_live), (~is_live, rollout.gone_never)):
        gone = rng.permutation(np.flatnonzero(members))[:number] if number else np.zeros(0, np.int64)
        left[gone] = rollout.first_week + rng.integers(*LEAVING_WEEKS, number)
    return left


def _truth(plain: Floats, lift: Floats, since: Floats, rollout: Rollout) -> float:
    """The effect over the cells after learning at times with enough untouched teams, weighted by what was expected."""
    waiting: Bools = since < 0
    enough = waiting.sum(0) >= (5 if rollout.teams >= 20 else 2)
    used = (since >= rollout.learning_weeks) & enough[None, :]
    return float((plain * lift)[used].sum() / plain[used].sum()) if used.any() else rollout.effect
