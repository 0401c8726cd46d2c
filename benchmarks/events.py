"""Single records in which the truth is known: D5 deals, D6 mix shift, D7 open cases, D9 migration stamps."""

from __future__ import annotations

import numpy as np

from benchmarks.processes import AUTOCORRELATION, MONDAY, NOISE, SEED, World, autoregressive, calendar
from metrics.question import Floats, Ints, Kind, Question

DEALS_A_WEEK, OVERDISPERSION, AMOUNT_SPREAD = 40.0, 10.0, 1.5
SHARE_BEFORE, SHARE_AFTER, SHIFT_WEEKS = 0.5, 0.3, 8
WIN_RATES = (0.40, 0.15)
CASES_A_WEEK, CYCLE_MEDIAN, CYCLE_SPREAD = 25.0, 30.0, 0.8
MIGRATED = 0.3


def _weeks(rng: np.random.Generator, before: int, after: int) -> tuple[np.datetime64, Floats]:
    """First day, and the log level of demand: growth, season, quarter ends, AR(1) noise."""
    start = MONDAY + np.timedelta64(int(rng.integers(0, 52)) * 7, "D")
    weeks = before + after
    return start, autoregressive(rng, (1, weeks), AUTOCORRELATION, NOISE)[0] + calendar(rng, start, weeks)


def _question(
    kind: Kind, start: np.datetime64, week: Ints, num: Floats, go_live_week: int, weeks: int, rng: np.random.Generator,
    **more: object,
) -> Question:  # fmt: skip
    """One team, records on random working days of their weeks."""
    day = start + 7 * week + rng.integers(0, 5, len(week))
    settings = {"better": "higher", "learning_days": 42, "observed": np.ones(len(week), bool), **more}
    return Question(
        kind=kind, at=day.astype("datetime64[s]"), unit=np.zeros(len(week), np.int64), num=num, den=np.ones(len(week)),
        go_live=np.array([start + 7 * go_live_week]), as_of=start + 7 * weeks, alpha_policy="single", **settings,
    )  # type: ignore[arg-type]  # fmt: skip


def deals(rep: int, before: int, after: int, effect: float, seed: int = SEED) -> World:
    """D5: won amounts, lognormal with σ 1.5, in negative-binomial numbers; the effect is on the amounts."""
    rng = np.random.default_rng([seed, 5, rep])
    start, level = _weeks(rng, before, after)
    weeks = before + after
    count = rng.poisson(DEALS_A_WEEK * np.exp(level) * rng.gamma(OVERDISPERSION, 1 / OVERDISPERSION, weeks))
    week = np.repeat(np.arange(weeks), count)
    amount = rng.lognormal(9, AMOUNT_SPREAD, len(week)) * np.where(week >= before, 1 + effect, 1.0)
    return World(_question("sum", start, week, amount, before, weeks, rng), effect)


def mix_shift(rep: int, before: int, after: int, effect: float, seed: int = SEED) -> World:
    """D6: two segments win at their own constant rates; after go-live the weaker one takes a larger share."""
    rng = np.random.default_rng([seed, 6, rep])
    start, level = _weeks(rng, before, after)
    weeks = before + after
    count = rng.poisson(DEALS_A_WEEK * np.exp(level))
    week = np.repeat(np.arange(weeks), count)
    moved = np.clip((week - before) / SHIFT_WEEKS, 0, 1)
    group = (rng.random(len(week)) >= SHARE_BEFORE + (SHARE_AFTER - SHARE_BEFORE) * moved).astype(np.int64)
    rate = np.array(WIN_RATES)[group] * np.where(week >= before, 1 + effect, 1.0)
    won = (rng.random(len(week)) < rate).astype(float)
    return World(_question("proportion", start, week, won, before, weeks, rng, groups={"segment": group}), effect)


def open_cases(rep: int, before: int, after: int, effect: float, seed: int = SEED) -> World:
    """D7: time from opening to closing, lognormal; cases still open at the end are censored. True effect 0 only.

    With an effect every case takes longer by that share; the truth of the restricted mean then depends on its limit.
    """
    rng = np.random.default_rng([seed, 7, rep])
    start, level = _weeks(rng, before, after)
    weeks = before + after
    week = np.repeat(np.arange(weeks), rng.poisson(CASES_A_WEEK * np.exp(level)))
    took = rng.lognormal(np.log(CYCLE_MEDIAN), CYCLE_SPREAD, len(week)) * np.where(week >= before, 1 + effect, 1.0)
    followed = 7.0 * (weeks - week) - 4
    made = _question(
        "duration", start, week, np.minimum(took, followed), before, weeks, rng, better="lower",
        observed=took <= followed,
    )  # fmt: skip
    return World(made, effect)


def migrated(rep: int, before: int, after: int, effect: float, seed: int = SEED, share: float = MIGRATED) -> World:
    """D9: a share of the records from before go-live carry the day they were loaded instead of their own."""
    rng = np.random.default_rng([seed, 9, rep])
    start, level = _weeks(rng, before, after)
    weeks = before + after
    week = np.repeat(np.arange(weeks), rng.poisson(CASES_A_WEEK * np.exp(level)))
    hours = rng.lognormal(3, 0.8, len(week)) * np.where(week >= before, 1 + effect, 1.0)
    is_loaded = (week < before) & (rng.random(len(week)) < share)
    week = np.where(is_loaded, before - 1, week)
    made = _question("mean", start, week, hours, before, weeks, rng, better="lower")
    day = made.at.astype("datetime64[D]")
    loaded_on = start + 7 * before - np.timedelta64(2, "D")
    at = np.where(is_loaded, loaded_on, day).astype("datetime64[s]")
    return World(Question(**{**made.__dict__, "at": at}), effect)
