"""How often the verdict is right: `python -m benchmarks.verdict --help`.

Every row is one process × history × effect. Ours and the usual answers judge the same draws; where the effect is 0,
`called` is the rate of false verdicts, elsewhere it is power. Monte-Carlo error is printed. --write puts the table and
a picture into docs/.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from scipy import stats

from benchmarks import events
from benchmarks.opponents import OF_SERIES, OF_TEAMS, Claim
from benchmarks.processes import SEED, SERIES, World, fading, single_series
from benchmarks.publish import Row, keep_rows, line, read_rows, write
from benchmarks.rollouts import Rollout, staggered
from benchmarks.tally import Answer, tally
from metrics.multiplicity import correct
from metrics.question import Verdict
from metrics.verdict import judge

QUICK, FULL = 100, 2000
HISTORIES = ((78, 26), (156, 52))
QUICK_EFFECTS, FULL_EFFECTS = (0.0, 0.1), (0.0, -0.1, -0.05, 0.05, 0.1, 0.2, 0.3)
TEAMS = ((5, 0), (5, 2), (10, 0), (10, 3), (20, 0), (20, 6), (40, 0), (40, 10))
MAIN_EFFECTS, SECONDARY = (0.0, 0.1), 4
"""Effects other than these draw the power curve; they get one world for every SECONDARY."""
NULL_KPIS = 20
CURVES = (*SERIES, "D5", "D6")
Make = Callable[[int, int], World]


@dataclass(frozen=True)
class Case:
    """One row to be measured: how to make its worlds from (rep, seed), and who answers."""

    name: str
    history: str
    effect: float
    make: Make
    opponents: bool = True


def _series(process: str, before: int, after: int, effect: float, rep: int, seed: int) -> World:
    return single_series(process, rep, before, after, effect, seed)


def _fading(before: int, after: int, effect: float, rep: int, seed: int) -> World:
    return fading(rep, before, after, effect, seed)


def _events(name: str, before: int, after: int, effect: float, rep: int, seed: int) -> World:
    made: World = getattr(events, name)(rep, before, after, effect, seed)
    return made


def _rollout(rollout: Rollout, rep: int, seed: int) -> World:
    return staggered(rollout, rep, seed)


def cases(effects: tuple[float, ...]) -> Iterator[Case]:
    """Everything that is measured with one verdict a world."""
    for before, after in HISTORIES:
        history = f"{before}+{after}"
        for effect in effects:
            for process in SERIES:
                yield Case(process, history, effect, partial(_series, process, before, after, effect))
            for process, name in (("D5", "deals"), ("D6", "mix_shift")):
                yield Case(process, history, effect, partial(_events, name, before, after, effect))
        yield Case("D7", history, 0.0, partial(_events, "open_cases", before, after, 0.0), False)
        yield Case("D9", history, 0.0, partial(_events, "migrated", before, after, 0.0), False)
    for kind in ("count", "proportion", "sum"):
        for teams, never in TEAMS:
            for effect in (0.0, 0.1) if kind == "count" else (0.0,):
                rollout = Rollout(teams, never, effect, kind=kind)
                yield Case(f"D11 {kind}", f"{teams} teams, {never} never", effect, partial(_rollout, rollout))
    for before, after in HISTORIES:
        yield Case("D14", f"{before}+{after}", 0.25, partial(_fading, before, after, 0.25))
    yield from _leaving()
    chosen = Rollout(20, 6, is_selected=True, waves=1)
    yield Case("D10 count", "20 teams, 6 never", 0.0, partial(_rollout, chosen))
    large = Rollout(40, 10, 0.05, ramp=False, rate=200.0)
    for name, rollout in (("D11 large", large), ("D11 large, parallel", replace(large, own_trend=0.0))):
        yield Case(name, "40 teams, 10 never", 0.05, partial(_rollout, rollout))


def _leaving() -> Iterator[Case]:
    """D15: some of the teams that went live, or of the others, stop reporting; D19: most go-lives are only planned."""
    for teams, live, never in ((24, 0, 8), (24, 5, 0), (40, 0, 10), (40, 6, 0)):
        gone = f"{teams} teams, {live or never} of the {'live' if live else 'others'} gone"
        for effect in (0.0, 0.25):
            rollout = Rollout(
                teams, teams // 2, effect, ramp=False, waves=1, first_week=78, gone_live=live, gone_never=never
            )
            yield Case("D15 count", gone, effect, partial(_rollout, rollout))
    for live in (2, 10):
        planned = Rollout(24, 24 - live, waves=1, first_week=70, planned=24 - live, noise=0.2, own_trend=0.2)
        yield Case("D19 count", f"24 teams, {24 - live} planned", 0.0, partial(_rollout, planned))


def ours(verdict: Verdict, truth: float, milliseconds: float = 0.0) -> Answer:
    """Our verdict as an answer; an end that is unbounded holds everything beyond."""
    is_barred = verdict.verdict == "not_comparable"
    is_change = verdict.verdict in ("improved", "worsened")
    if verdict.effect_rel is None:
        return Answer(Claim(*[float("nan")] * 3), is_change, truth, is_barred, milliseconds)
    low = -np.inf if verdict.effect_rel_ci_low is None else verdict.effect_rel_ci_low
    high = np.inf if verdict.effect_rel_ci_high is None else verdict.effect_rel_ci_high
    return Answer(Claim(verdict.effect_rel, low, high), is_change, truth, is_barred, milliseconds)


def answers(case: Case, rep: int, seed: int) -> dict[str, Answer]:
    """Everybody's answer in one world."""
    world = case.make(rep, seed)
    begun = time.perf_counter()
    verdict = judge(world.question)
    found = {"crmlift": ours(verdict, world.truth, 1000 * (time.perf_counter() - begun))}
    if case.opponents:
        for name, opponent in (OF_TEAMS if len(world.question.go_live) > 1 else OF_SERIES).items():
            begun = time.perf_counter()
            claim = opponent(world)
            spent = 1000 * (time.perf_counter() - begun)
            found[name] = Answer(claim, claim.is_change, world.truth, False, spent)
    return found


def measured(pool: ProcessPoolExecutor, case: Case, reps: int, seed: int) -> list[Row]:
    """The row of each method."""
    every = list(pool.map(partial(answers, case), range(reps), [seed] * reps, chunksize=max(1, reps // 16)))
    return [
        Row(case.name, case.history, case.effect, method, tally([each[method] for each in every]))
        for method in every[0]
    ]


def peeked(rep: int, seed: int) -> Answer:
    """D2 without effect, watched every night for more than a year: was anything claimed at any frozen look?"""
    question = replace(single_series("D2", rep, 104, 60, 0.0, seed).question, alpha_policy="looks")
    verdicts = [judge(question, look) for look in ("13w", "26w", "52w")]
    last = ours(verdicts[-1], 0.0)
    return replace(last, is_change=any(v.verdict in ("improved", "worsened") for v in verdicts))


def many_kpis(rep: int, seed: int) -> Answer:
    """Twenty KPIs nothing happened to, corrected together: was anything claimed?"""
    worlds = [single_series("D2", NULL_KPIS * rep + k, 104, 26, 0.0, seed + 1) for k in range(NULL_KPIS)]
    verdicts = correct([judge(world.question) for world in worlds], [True] * NULL_KPIS)
    claimed = any(v.verdict in ("improved", "worsened") for v in verdicts)
    return replace(ours(verdicts[0], 0.0), is_change=claimed)


def special(pool: ProcessPoolExecutor, reps: int, seed: int) -> Iterator[Row]:
    """Looking every night, and asking of twenty KPIs."""
    for name, ask, count in (
        ("D2 nightly looks", peeked, reps),
        (f"D2 {NULL_KPIS} KPIs", many_kpis, max(reps // 2, 50)),
    ):
        found = list(pool.map(ask, range(count), [seed] * count, chunksize=max(1, count // 16)))
        yield Row(name, "any claim", 0.0, "crmlift", tally(found))


def told(rows: list[Row], results: Path | None) -> list[Row]:
    """The rows, printed and kept."""
    print("\n".join(line(row) for row in rows), flush=True)
    if results is not None:
        keep_rows(results, rows)
    return rows


def main(arguments: list[str] | None = None) -> int:
    """Print the table; quick by default."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reps", type=int, help=f"worlds a row; {QUICK}, or {FULL} with --full")
    parser.add_argument("--full", action="store_true", help="all effects; a quarter of the worlds for the power curve")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--only", default="", help="rows whose name begins so, e.g. D4")
    parser.add_argument("--results", type=Path, help="keep rows in this file; rows already in it are not made again")
    parser.add_argument("--write", action="store_true", help="docs/benchmark.md and its picture")
    given = parser.parse_args(arguments)
    reps = given.reps or (FULL if given.full else QUICK)
    error = stats.norm.ppf(0.975) * np.sqrt(0.05 * 0.95 / reps)
    print(f"{reps} worlds a row, seed {given.seed}; Monte-Carlo error of a 5 % rate: ±{error:.1%}", flush=True)
    kept = [] if given.results is None else read_rows(given.results)
    rows, done = list(kept), {(row.process, row.history, row.effect) for row in kept}
    wanted = [case for case in cases(FULL_EFFECTS if given.full else QUICK_EFFECTS) if case.name.startswith(given.only)]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for case in sorted(wanted, key=lambda case: case.effect not in MAIN_EFFECTS):
            if (case.name, case.history, case.effect) not in done:
                count = reps if case.effect in MAIN_EFFECTS or case.name not in CURVES else max(reps // SECONDARY, 10)
                rows += told(measured(pool, case, count, given.seed), given.results)
        if not given.only:
            for row in special(pool, reps, given.seed):
                rows += told([row], given.results)
    if given.write:
        write(rows, given.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
