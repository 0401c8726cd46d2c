"""How often the verdict is right: `python -m benchmarks.verdict [--reps N] [--seed S] [--only series|teams]`.

Each row is one process × history × effect: coverage of the 95 % interval, verdicts of change (false ones where the
effect is 0), wrong signs, abstentions, median width, milliseconds; and what the usual answers do on the same draws.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from benchmarks.opponents import newey_west, welch, year_over_year
from benchmarks.processes import SEED, Rollout, World, single_series, staggered
from metrics.question import Verdict
from metrics.verdict import judge

HISTORIES = ((78, 26), (156, 52))
EFFECTS = (0.0, 0.1, 0.2)
TEAMS = ((5, 0), (5, 2), (10, 0), (10, 3), (20, 0), (20, 6), (40, 0), (40, 10))


@dataclass(frozen=True)
class Tally:
    """What many worlds of one kind gave; shares 0–1."""

    coverage: float
    changed: float
    wrong_sign: float
    barred: float
    estimated: float
    bias: float
    width: float
    milliseconds: float


def tally(worlds: Iterable[World]) -> Tally:
    """Judge each world; a failure to estimate counts as not covered."""
    verdicts: list[tuple[World, Verdict]] = []
    begun = time.perf_counter()
    for world in worlds:
        verdicts.append((world, judge(world.question)))
    spent = 1000 * (time.perf_counter() - begun) / len(verdicts)
    covered = [covers(verdict, world.truth) for world, verdict in verdicts]
    changed = [verdict.verdict in ("improved", "worsened") for _, verdict in verdicts]
    wrong = [
        verdict.verdict in ("improved", "worsened") and world.truth != 0 and (verdict.effect or 0) * world.truth < 0
        for world, verdict in verdicts
    ]
    estimates = [(v.effect_rel - w.truth) for w, v in verdicts if v.effect_rel is not None]
    widths = [
        v.effect_rel_ci_high - v.effect_rel_ci_low
        for _, v in verdicts
        if v.effect_rel_ci_low is not None and v.effect_rel_ci_high is not None
    ]
    barred = np.mean([verdict.verdict == "not_comparable" for _, verdict in verdicts])
    return Tally(
        float(np.mean(covered)), float(np.mean(changed)), float(np.mean(wrong)), float(barred),
        len(estimates) / len(verdicts), float(np.mean(estimates)), float(np.median(widths)), spent,
    )  # fmt: skip


def covers(verdict: Verdict, truth: float) -> bool:
    """Whether an interval was given and holds the truth; an end that is unbounded holds everything beyond."""
    if verdict.effect_rel is None:
        return False
    low = -np.inf if verdict.effect_rel_ci_low is None else verdict.effect_rel_ci_low
    high = np.inf if verdict.effect_rel_ci_high is None else verdict.effect_rel_ci_high
    return bool(low <= truth <= high)


def line(name: str, result: Tally, opponents: str = "") -> str:
    """One row of the report."""
    return (
        f"{name:34s} coverage {result.coverage:6.1%}  called {result.changed:6.1%}  wrong {result.wrong_sign:5.1%}  "
        f"barred {result.barred:5.1%}  width {result.width:5.2f}  "
        f"bias {result.bias:+.3f}  {result.milliseconds:4.0f} ms" + (f"  | {opponents}" if opponents else "")
    )


OPPONENTS: dict[str, Callable[[World], float]] = {
    "Welch": welch, "year over year": year_over_year, "Newey–West": newey_west,
}  # fmt: skip


def series_lines(reps: int, seed: int) -> Iterable[str]:
    """D0–D4 on one series."""
    for before, after in HISTORIES:
        for effect in EFFECTS:
            for dgp in range(5):
                worlds = [single_series(dgp, rep, before, after, effect, seed) for rep in range(reps)]
                rates = [f"{name} {np.mean([p(w) < 0.05 for w in worlds]):.0%}" for name, p in OPPONENTS.items()]
                yield line(f"D{dgp} {before}+{after} weeks, effect {effect:+.0%}", tally(worlds), ", ".join(rates))


def team_lines(reps: int, seed: int) -> Iterable[str]:
    """D11: staggered teams; ramping effects, several kinds of KPI."""
    for kind in ("count", "proportion", "sum"):
        for teams, never in TEAMS:
            for effect in EFFECTS[:2] if kind == "count" else EFFECTS[:1]:
                rollout = Rollout(teams, never, effect, kind=kind)
                result = tally(staggered(rollout, rep, seed) for rep in range(reps))
                yield line(f"{kind} {teams} teams ({never} never), effect {effect:+.0%}", result)


def main(arguments: list[str] | None = None) -> int:
    """Print the table; quick by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reps", type=int, default=100)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--only", choices=("series", "teams"))
    given = parser.parse_args(arguments)
    error = stats.norm.ppf(0.975) * np.sqrt(0.05 * 0.95 / given.reps)
    print(f"{given.reps} worlds a row; Monte-Carlo error of a 5 % rate: ±{error:.1%}", flush=True)
    parts = {"series": series_lines, "teams": team_lines}
    for name, lines in parts.items():
        if given.only in (None, name):
            for text in lines(given.reps, given.seed):
                print(text, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
