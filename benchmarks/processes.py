"""Weekly series in which the truth is known: D0–D4, D8 (longer memory), D12 (a season the model does not know), D13
(figures put off or hurried ahead of a go-live) and D14 (an effect that fades).

Draws depend on seed, process and repetition alone, so every method and every effect sees the same ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from metrics.question import Floats, Question

SEED = 20261123
MONDAY = np.datetime64("2021-11-01", "D")
NOISE, AUTOCORRELATION, WALK, DIP, DIP_WEEKS = 0.10, 0.5, 0.013, -0.15, 6
"""Set so that the usual answers err as often as they do on real CRM series."""
SERIES = ("D0", "D1", "D2", "D3", "D4", "D8a", "D8b", "D8c", "D12", "D13")
SECOND_LAG = 0.2
LAG_ONE = {"D8a": 0.2, "D8b": 0.5, "D8c": 0.8}
UNKNOWN_WEEKS, UNKNOWN_SWING = 17.0, 0.10
AHEAD_WEEKS, DIPS, RUSHES = (2, 8), (0.7, 0.9), (1.15, 1.5)
FADED_AT = 2 / 3
"""When, as a share of the time after go-live, an effect that fades is gone."""


@dataclass(frozen=True)
class World:
    """A question and its true relative effect over the cells that are compared."""

    question: Question
    truth: float


def autoregressive(rng: np.random.Generator, shape: tuple[int, int], rho: float, spread: float) -> Floats:
    """Stationary AR(1) noise, one row a team."""
    shocks = rng.normal(0, spread * np.sqrt(1 - rho**2), shape)
    noise = np.empty(shape)
    noise[:, 0] = rng.normal(0, spread, shape[0])
    for week in range(1, shape[1]):
        noise[:, week] = rho * noise[:, week - 1] + shocks[:, week]
    return noise


def calendar(rng: np.random.Generator, start: np.datetime64, weeks: int) -> Floats:
    """8 % yearly growth, a season of ±12 % at a random phase, 20 % more in the last two weeks of a quarter."""
    t = np.arange(weeks)
    day = start + 7 * t
    months = (day + 14).astype("datetime64[M]").astype(int) // 3
    ends_quarter = months != (day.astype("datetime64[M]").astype(int) // 3)
    phase = rng.uniform(0, 52.18)
    return np.log(1.08) * t / 52.18 + 0.12 * np.sin(2 * np.pi * (t + phase) / 52.18) + 0.2 * ends_quarter


def process_number(process: str) -> int:
    """D0 → 0, D8b → 82: the number that seeds its draws."""
    plain = process[1:].rstrip("abc")
    return int(plain) if plain == process[1:] else 10 * int(plain) + "abc".index(process[-1]) + 1


def single_series(process: str, rep: int, before: int, after: int, effect: float, seed: int = SEED) -> World:
    """D0 independent, D1 AR 0.5, D2 + growth, season, quarter end, D3 + learning dip, D4 + random-walk demand.

    D8: D2 with AR(2) of lag-one autocorrelation 0.2, 0.5, 0.8. D12: D2 with a 17-week swing nobody put in a calendar.
    D13: D2 with the last 2 to 8 weeks before go-live at 70–90 % (every other world) or 115–150 % of what they were.
    """
    rng = np.random.default_rng([seed, process_number(process), rep])
    weeks = before + after
    start = MONDAY + np.timedelta64(int(rng.integers(0, 52)) * 7, "D")
    t, since = np.arange(weeks), np.arange(weeks) - before
    if process in LAG_ONE:
        y = second_order(rng, weeks, LAG_ONE[process])
    else:
        y = autoregressive(rng, (1, weeks), 0.0 if process == "D0" else AUTOCORRELATION, NOISE)[0]
    walk = np.cumsum(rng.normal(0, WALK, weeks))
    known = calendar(rng, start, weeks)
    y = y + (known if process not in ("D0", "D1") else 0.0) + (walk if process == "D4" else 0.0)
    if process == "D12":
        y = y + UNKNOWN_SWING * np.sin(2 * np.pi * (t + rng.uniform(0, UNKNOWN_WEEKS)) / UNKNOWN_WEEKS)
    if process in ("D3", "D4"):
        y = y + np.where((since >= 0) & (since < DIP_WEEKS), np.log1p(DIP) * (1 - since / DIP_WEEKS), 0.0)
    if process == "D13":
        least, most = RUSHES if rep % 2 else DIPS
        ahead = int(rng.integers(AHEAD_WEEKS[0], AHEAD_WEEKS[1] + 1))
        y = y + np.where((since >= -ahead) & (since < 0), np.log(rng.uniform(least, most)), 0.0)
    value = 100 * np.exp(y + np.where(since >= 0, np.log1p(effect), 0.0))
    question = Question(
        kind="mean", better="higher", at=(start + 7 * t).astype("datetime64[s]"), unit=np.zeros(weeks, np.int64),
        num=value, den=np.ones(weeks), observed=np.ones(weeks, bool), go_live=np.array([start + 7 * before]),
        as_of=start + 7 * weeks, learning_days=42, alpha_policy="single", is_periodic=True,
    )  # fmt: skip
    return World(question, effect)


def fading(rep: int, before: int, after: int, effect: float, seed: int = SEED) -> World:
    """D14: D2 with an effect that is strongest at go-live and gone after FADED_AT of the time after.

    effect: its average over the weeks that are compared, and the truth.
    """
    world = single_series("D2", rep, before, after, 0.0, seed)
    since = np.arange(before + after) - before
    height = np.where(since >= 0, np.clip(1 - since / (FADED_AT * after), 0, 1), 0.0)
    lift = effect * height / height[since >= DIP_WEEKS].mean()
    return World(replace(world.question, num=world.question.num * (1 + lift)), effect)


def second_order(rng: np.random.Generator, weeks: int, lag_one: float) -> Floats:
    """AR(2) noise of the usual spread, burnt in."""
    first = lag_one * (1 - SECOND_LAG)
    shocks = rng.normal(size=weeks + 200)
    noise = np.zeros(weeks + 200)
    for week in range(2, len(noise)):
        noise[week] = first * noise[week - 1] + SECOND_LAG * noise[week - 2] + shocks[week]
    variance = (1 - SECOND_LAG) / ((1 + SECOND_LAG) * ((1 - SECOND_LAG) ** 2 - first**2))
    return np.asarray(NOISE * noise[200:] / np.sqrt(variance))
