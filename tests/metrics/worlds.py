"""Small companies with a known truth, as questions."""

from __future__ import annotations

from typing import Any

import numpy as np

from metrics.question import Question

START = np.datetime64("2024-11-04", "D")
WEEKS = 104


def rollout(
    kind: str = "count",
    *,
    teams: int = 24,
    never: int = 6,
    effect: float = 0.0,
    rate: float = 20.0,
    seed: int = 1,
    first_week: int = 48,
    gap_weeks: int = 6,
    waves: int = 3,
    noise: float = 0.05,
    **asked: Any,
) -> Question:
    """Events of teams that go live in waves; `effect` is relative, on counts or on the values, after six weeks."""
    rng = np.random.default_rng(seed)
    t = np.arange(WEEKS)
    go_live = np.full(teams, np.datetime64("NaT", "D"))
    treated = rng.permutation(teams)[: teams - never]
    go_live[treated] = START + 7 * (first_week + gap_weeks * (np.arange(len(treated)) * waves // max(len(treated), 1)))
    since = (START + 7 * t)[None, :] - go_live[:, None]
    lift = np.where(~np.isnat(go_live)[:, None] & (since >= np.timedelta64(42, "D")), 1 + effect, 1.0)
    size = np.exp(rng.normal(0, 0.3, teams))[:, None]
    season = np.exp(0.08 * t / 52 + 0.1 * np.sin(2 * np.pi * t / 52) + rng.normal(0, noise, (teams, WEEKS)))
    counts = rng.poisson(rate * size * season * (lift if kind in ("count", "sum") else 1.0))
    unit = np.repeat(np.arange(teams), counts.sum(1))
    week = np.concatenate([np.repeat(t, row) for row in counts])
    at = (START + 7 * week + rng.integers(0, 7, len(week))).astype("datetime64[s]")
    as_of = START + 7 * WEEKS
    num, observed = np.ones(len(at)), np.ones(len(at), dtype=bool)
    factor = lift[unit, week]
    if kind in ("sum", "mean"):
        num = rng.lognormal(8, 0.5, len(at)) * (factor if kind == "mean" else 1.0)
    elif kind == "proportion":
        num = (rng.random(len(at)) < 0.3 * factor).astype(float)
    elif kind == "nps":
        num = rng.choice([-1.0, 0.0, 1.0], len(at), p=[0.3, 0.3, 0.4])
        num = np.where((rng.random(len(at)) < effect) & (factor > 1), 1.0, num)
    elif kind in ("duration", "quantile"):
        time = rng.exponential(20, len(at)) * factor
        follow = (as_of - at.astype("datetime64[D]")).astype(float)
        num, observed = np.minimum(time, follow), time <= follow
    settings: dict[str, Any] = {"better": "higher", "alpha_policy": "single", "with_check": False, **asked}
    return Question(
        kind=kind, at=at, unit=unit.astype(np.int64), num=num, den=np.ones(len(at)), observed=observed,
        go_live=go_live, as_of=as_of, **settings,
    )  # type: ignore[arg-type]  # fmt: skip


def weekly(values: np.ndarray[Any, Any], go_live_week: int, **asked: Any) -> Question:
    """One series of ready-made weeks."""
    count = len(values)
    settings: dict[str, Any] = {"better": "higher", "alpha_policy": "single", "learning_days": 42, **asked}
    return Question(
        kind="mean", at=(START + 7 * np.arange(count)).astype("datetime64[s]"), unit=np.zeros(count, dtype=np.int64),
        num=np.asarray(values, dtype=float), den=np.ones(count), observed=np.ones(count, dtype=bool),
        go_live=np.array([START + 7 * go_live_week]), as_of=START + 7 * count, is_periodic=True, **settings,
    )  # type: ignore[arg-type]  # fmt: skip


def noisy_weeks(
    count: int = 156, effect: float = 0.0, go_live_week: int = 110, seed: int = 3, noise: float = 0.05
) -> np.ndarray[Any, Any]:
    """Growth, a season and noise; a lasting effect from the go-live on."""
    rng = np.random.default_rng(seed)
    t = np.arange(count)
    level = 0.08 * t / 52 + 0.1 * np.sin(2 * np.pi * t / 52.18) + rng.normal(0, noise, count)
    return np.asarray(100 * np.exp(level + np.where(t >= go_live_week, np.log1p(effect), 0.0)))
