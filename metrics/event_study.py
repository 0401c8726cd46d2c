"""The effect by time since go-live, in steps of four weeks: how it grew, and how well the model fits before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from metrics.panel import blocks
from metrics.question import Bools, Floats, Ints, Question
from metrics.staggered import Cells, fit, jackknife_error, usable_after, without_each
from metrics.teams import Setting, unit_of

STEP_DAYS = 28
STEPS_BEFORE, STEPS_AFTER = 6, 13
MAX_TEAMS = 80


@dataclass(frozen=True)
class Traces:
    """Actual and expected of every team and block of at most STEP_DAYS, with all teams and without each.

    start, middle: (B,) days. expected, known: (L, G, B); the first of L is with all teams.
    """

    cells: Cells
    start: Any
    middle: Any
    expected: Floats
    known: Bools
    usable: Bools


def traces(setting: Setting) -> Traces:
    """What the model expects; beyond MAX_TEAMS teams, sets of them are left out together."""
    cells, first = blocks(setting.panel, setting.cells.multiplicative, STEP_DAYS)
    start = setting.panel.edges[first]
    middle = start + (np.r_[start[1:], setting.panel.edges[-1]] - start) // 2
    teams = cells.num.shape[0]
    kept = np.vstack([np.ones(teams), without_each(teams, MAX_TEAMS)])
    team, block = fit(cells, kept[:, :, None] * cells.before[None])
    if cells.multiplicative:
        expected = cells.den * team[:, :, None] * block[:, None, :]
    else:
        expected = cells.den * (team[:, :, None] + block[:, None, :])
    known = np.isfinite(expected) & (cells.den > 0) & (kept[:, :, None] > 0)
    usable = usable_after(cells, setting.min_untreated) & setting.focus[:, None]
    return Traces(cells, start, middle, expected, known, usable)


def by_part(found: Traces, part: Ints, count: int) -> Floats:
    """(L, count): log ratio or mean difference of actual to expected over the cells (G, B) of each part."""
    columns = []
    for k in range(count):
        used = found.known & (part == k)[None]
        actual, wanted = (np.where(used, x, 0.0).sum((1, 2)) for x in (found.cells.num[None], found.expected))
        exposure = np.where(used, found.cells.den[None], 0.0).sum((1, 2))
        with np.errstate(divide="ignore", invalid="ignore"):
            columns.append(np.log(actual / wanted) if found.cells.multiplicative else (actual - wanted) / exposure)
    values = np.column_stack(columns)
    return np.where(np.isfinite(values), values, np.nan)


def event_study(question: Question, setting: Setting, found: Traces) -> list[dict[str, float | int | str | None]]:
    """One row a step of teams asked about: weeks since go-live, phase, change, pointwise 95 % interval.

    Before go-live the change is what the model leaves over in cells it was fitted to, so it is no test (those are the
    placebo dates); in the learning window and after it is actual against expected. Empty beyond MAX_TEAMS teams.
    """
    if len(question.go_live) > MAX_TEAMS:
        return []
    ratios = by_part(found, _steps(question, setting, found), STEPS_BEFORE + STEPS_AFTER)
    scale, longest = unit_of(question, setting), np.max(question.learning_days)
    out: list[dict[str, float | int | str | None]] = []
    for k, weeks in enumerate(range(-4 * STEPS_BEFORE, 4 * STEPS_AFTER, 4)):
        if not np.isfinite(ratios[0, k]):
            continue
        error, df = jackknife_error(float(ratios[0, k]), ratios[1:, k][np.isfinite(ratios[1:, k])])
        reach = float(special.stdtrit(df, 0.975)) * error if df >= 1 else float("nan")
        ends = [ratios[0, k], ratios[0, k] - reach, ratios[0, k] + reach]
        change, low, high = (float(np.expm1(end)) if found.cells.multiplicative else float(end) * scale for end in ends)
        phase = "before" if weeks < 0 else "learning" if 7 * weeks < longest else "after"
        out.append({"weeks": weeks, "phase": phase, "change": _round(change), "low": _round(low), "high": _round(high)})
    return out


def _steps(question: Question, setting: Setting, found: Traces) -> Ints:
    """(G, B): which step each cell of the teams asked about lies in, −1 for none."""
    since = (found.middle[None, :] - question.go_live[:, None]).astype("timedelta64[D]").astype(float)
    with np.errstate(invalid="ignore"):
        step = np.floor(since / STEP_DAYS) + STEPS_BEFORE
    known = setting.focus[:, None] & ~np.isnat(question.go_live)[:, None]
    inside = known & (step >= 0) & (step < STEPS_BEFORE + STEPS_AFTER)
    return np.where(inside, np.nan_to_num(step, nan=-1), -1).astype(np.int64)


def _round(value: Any) -> float | None:
    """Five decimals; None when it is not known."""
    return round(float(value), 5) if np.isfinite(value) else None
