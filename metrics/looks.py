"""When a verdict may be read: frozen looks, and how much error each may spend.

Lan, DeMets 1983, Biometrika 70(3): spending functions; the Pocock-like one, α·ln(1 + (e − 1)t). It gives an honest
answer after a quarter some power, where an O'Brien–Fleming-like one would forbid nearly all early verdicts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import optimize, stats

from metrics.question import Floats, Question

LOOK_WEEKS = {"13w": 13, "26w": 26, "52w": 52}
PROVISIONAL = "provisional"
SINGLE = "single"


@dataclass(frozen=True)
class Look:
    """name: 13w, 26w, 52w, provisional or single. end: data as known then (exclusive). alpha: two-sided error."""

    name: str
    end: np.datetime64
    alpha: float


@lru_cache(maxsize=16)
def look_alphas(alpha: float) -> dict[str, float]:
    """Nominal two-sided level of each look so that all looks together err at most alpha under no effect.

    The first-passage probability is solved on a grid for Brownian increments; with shared baseline noise the looks
    are more alike than that, so the true error is smaller. Sum of the looks' own errors: see tests.
    """
    times = np.array(list(LOOK_WEEKS.values())) / max(LOOK_WEEKS.values())
    spent = alpha * np.log1p((np.e - 1) * times)
    bounds: list[float] = []
    grid = np.linspace(-8, 8, 1601)
    density = np.zeros(0)
    for k, time in enumerate(times):
        step = spent[k] - (spent[k - 1] if k else 0.0)
        sd = float(np.sqrt(time - (times[k - 1] if k else 0.0)))
        arriving = (
            _normal_density(grid, sd)
            if k == 0
            else _normal_density(grid[:, None] - grid[None, :], sd) @ density * (grid[1] - grid[0])
        )

        def excess(z: float, now: float = float(time), a: object = arriving, want: float = float(step)) -> float:
            """Mass beyond the boundary, less what may be spent."""
            beyond = np.abs(grid) >= z * np.sqrt(now)
            return float(np.sum(np.asarray(a)[beyond]) * (grid[1] - grid[0])) - want

        z = float(optimize.brentq(excess, 1.5, 6.0, xtol=1e-4))
        bounds.append(z)
        density = np.where(np.abs(grid) < z * np.sqrt(time), arriving, 0.0)
    return {name: float(2 * stats.norm.sf(z)) for name, z in zip(LOOK_WEEKS, bounds, strict=True)}


def _normal_density(x: Floats, sd: float) -> Floats:
    """Of a normal variable with mean 0; scipy's own spends most of its time on checking arguments."""
    return np.asarray(np.exp(-((x / sd) ** 2) / 2) / (sd * np.sqrt(2 * np.pi)))


def left_learning(question: Question) -> np.datetime64 | None:
    """The day by which half of the teams asked about have left their learning window; None without any go-live."""
    asked = question.left_learning if question.focus is None else question.left_learning[question.focus]
    dates = np.sort(asked[~np.isnat(asked)])
    if len(dates) == 0:
        return None
    middle: np.datetime64 = dates[(len(dates) - 1) // 2]
    return middle


def look_dates(question: Question) -> dict[str, np.datetime64]:
    """The day each frozen look is taken."""
    start = left_learning(question)
    if start is None:
        return {}
    return {name: start + np.timedelta64(7 * weeks, "D") for name, weeks in LOOK_WEEKS.items()}


def choose(question: Question, wanted: str = "auto") -> Look:
    """The look to judge at: `auto` is the newest frozen look reached by as_of, else provisional.

    Raises ValueError for a frozen look that lies ahead of as_of.
    """
    end = question.as_of.astype("datetime64[D]")
    if question.post_end is not None:
        end = min(end, question.post_end.astype("datetime64[D]"))
    if question.alpha_policy == SINGLE:
        return Look(SINGLE, end, question.alpha)
    reached = {name: day for name, day in look_dates(question).items() if day <= end}
    if wanted == "auto":
        wanted = list(reached)[-1] if reached else PROVISIONAL
    if wanted == PROVISIONAL:
        return Look(PROVISIONAL, end, question.alpha)
    if wanted not in reached:
        raise ValueError(f"look {wanted} is not reached on {end}")
    return Look(wanted, reached[wanted], look_alphas(question.alpha)[wanted])
