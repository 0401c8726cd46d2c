"""Worlds in which the truth is known: weekly series D0–D4, and teams that go live in waves (D11)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metrics.question import Bools, Floats, Question, Times

SEED = 20261123
MONDAY = np.datetime64("2021-11-01", "D")
NOISE, AUTOCORRELATION, WALK, DIP, DIP_WEEKS = 0.10, 0.5, 0.013, -0.15, 6
"""Set so that the opponents err as often as in the pilot that chose the method (reference: docs/methods.md)."""


@dataclass(frozen=True)
class World:
    """A question and its true relative effect over the cells that are compared."""

    question: Question
    truth: float


def _autoregressive(rng: np.random.Generator, shape: tuple[int, int], rho: float, spread: float) -> Floats:
    """Stationary AR(1) noise, one row a team."""
    shocks = rng.normal(0, spread * np.sqrt(1 - rho**2), shape)
    noise = np.empty(shape)
    noise[:, 0] = rng.normal(0, spread, shape[0])
    for week in range(1, shape[1]):
        noise[:, week] = rho * noise[:, week - 1] + shocks[:, week]
    return noise


def _calendar(rng: np.random.Generator, start: np.datetime64, weeks: int) -> Floats:
    """8 % yearly growth, a season of ±12 % at a random phase, 20 % more in the last two weeks of a quarter."""
    t = np.arange(weeks)
    day = start + 7 * t
    months = (day + 14).astype("datetime64[M]").astype(int) // 3
    ends_quarter = months != (day.astype("datetime64[M]").astype(int) // 3)
    phase = rng.uniform(0, 52.18)
    return np.log(1.08) * t / 52.18 + 0.12 * np.sin(2 * np.pi * (t + phase) / 52.18) + 0.2 * ends_quarter


def single_series(dgp: int, rep: int, before: int, after: int, effect: float, seed: int = SEED) -> World:
    """D0 independent, D1 AR 0.5, D2 + growth, season, quarter end, D3 + learning dip, D4 + random-walk demand."""
    rng = np.random.default_rng([seed, dgp, rep])
    weeks = before + after
    start = MONDAY + np.timedelta64(int(rng.integers(0, 52)) * 7, "D")
    t = np.arange(weeks)
    y = _autoregressive(rng, (1, weeks), 0.0 if dgp == 0 else AUTOCORRELATION, NOISE)[0]
    walk = np.cumsum(rng.normal(0, WALK, weeks))
    calendar = _calendar(rng, start, weeks)
    y = y + (calendar if dgp >= 2 else 0.0) + (walk if dgp >= 4 else 0.0)
    since = t - before
    if dgp >= 3:
        y = y + np.where((since >= 0) & (since < DIP_WEEKS), np.log1p(DIP) * (1 - since / DIP_WEEKS), 0.0)
    value = 100 * np.exp(y + np.where(since >= 0, np.log1p(effect), 0.0))
    question = Question(
        kind="mean", better="higher", at=(start + 7 * t).astype("datetime64[s]"), unit=np.zeros(weeks, np.int64),
        num=value, den=np.ones(weeks), observed=np.ones(weeks, bool), go_live=np.array([start + 7 * before]),
        as_of=start + 7 * weeks, learning_days=42, alpha_policy="single", is_periodic=True,
    )  # fmt: skip
    return World(question, effect)


@dataclass(frozen=True)
class Rollout:
    """Teams in waves. ramp: the effect grows over 13 weeks. kind: count, sum (heavy-tailed amounts), proportion."""

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


def staggered(rollout: Rollout, rep: int, seed: int = SEED) -> World:
    """D11: common growth, season, quarter ends and a shared walk; teams differ in size and have trends of their own."""
    rng = np.random.default_rng([seed, 11, rollout.teams * 100 + rollout.never, rep])
    teams, weeks = rollout.teams, rollout.weeks
    start = MONDAY
    t = np.arange(weeks)
    go_live, began = _dates(rng, rollout, start)
    common = _calendar(rng, start, weeks) + np.cumsum(rng.normal(0, 0.01, weeks))
    own = rng.normal(0, 0.4, teams)[:, None] + rng.normal(0, rollout.own_trend, teams)[:, None] * t / 52
    level = own + _autoregressive(rng, (teams, weeks), AUTOCORRELATION, rollout.noise)
    since = t[None, :] - began[:, None]
    grown = np.clip((since + 1) / 13, 0, 1) if rollout.ramp else 1.0
    lift = np.where(since >= 0, rollout.effect * grown, 0.0)
    dip = np.where((since >= 0) & (since < rollout.learning_weeks), 1 + DIP, 1.0)
    plain = np.exp(level + (common if rollout.kind != "proportion" else 0.3 * common))
    counts = rng.poisson(rollout.rate * (plain * (1 + lift) * dip if rollout.kind != "proportion" else np.exp(own)))
    unit, week = np.repeat(np.arange(teams), counts.sum(1)), np.concatenate([np.repeat(t, c) for c in counts])
    num = np.ones(len(unit))
    if rollout.kind == "sum":
        num = rng.lognormal(8, 1.0, len(unit))
    if rollout.kind == "proportion":
        chance = np.minimum(0.25 * plain / np.exp(own) * (1 + lift) * dip, 1.0)
        num = (rng.random(len(unit)) < chance[unit, week]).astype(float)
    truth = _truth(plain, lift, since, rollout, began)
    question = Question(
        kind=rollout.kind, better="higher",  # type: ignore[arg-type]
        at=(start + 7 * week + rng.integers(0, 7, len(week))).astype("datetime64[s]"), unit=unit.astype(np.int64),
        num=num, den=np.ones(len(unit)), observed=np.ones(len(unit), bool), go_live=go_live,
        as_of=start + 7 * weeks, learning_days=7 * rollout.learning_weeks, alpha_policy="single",
        with_check=False,
    )  # fmt: skip
    return World(question, truth)


def _dates(rng: np.random.Generator, rollout: Rollout, start: np.datetime64) -> tuple[Times, np.ndarray]:
    """Go-live days (NaT: never) and weeks (far away: never), waves dealt to teams at random."""
    began = np.full(rollout.teams, 10**6)
    treated = rng.permutation(rollout.teams)[: rollout.teams - rollout.never]
    waves = min(rollout.waves, len(treated))
    began[treated] = rollout.first_week + rollout.gap_weeks * (np.arange(len(treated)) * waves // len(treated))
    days = np.full(rollout.teams, np.datetime64("NaT", "D"))
    days[treated] = start + 7 * began[treated]
    return days, began


def _truth(plain: Floats, lift: Floats, since: Floats, rollout: Rollout, began: np.ndarray) -> float:
    """The effect over the cells after learning at times with enough untouched teams, weighted by what was expected."""
    waiting: Bools = since < 0
    enough = waiting.sum(0) >= (5 if rollout.teams >= 20 else 2)
    used = (since >= rollout.learning_weeks) & enough[None, :]
    return float((plain * lift)[used].sum() / plain[used].sum()) if used.any() else rollout.effect
