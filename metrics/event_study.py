"""The effect by time since go-live, in steps of four weeks: how it grew, and how well the model fits before."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from metrics.panel import blocks
from metrics.question import Floats, Ints, Question
from metrics.staggered import Cells, fit, jackknife_error
from metrics.teams import Setting, unit_of

STEP_DAYS = 28
STEPS_BEFORE, STEPS_AFTER = 6, 13
MAX_TEAMS = 80


def event_study(question: Question, setting: Setting) -> list[dict[str, float | int | str | None]]:
    """One row a step of teams asked about: weeks since go-live, phase, change, pointwise 95 % interval.

    Before go-live the change is what the model leaves over in cells it was fitted to, so it is no test (those are the
    placebo dates); in the learning window and after it is actual against expected. Empty beyond MAX_TEAMS teams.
    """
    teams = len(question.go_live)
    if teams > MAX_TEAMS:
        return []
    cells, first = blocks(setting.panel, setting.cells.multiplicative, STEP_DAYS)
    step = _steps(question, setting, first)
    kept = np.vstack([np.ones(teams), 1 - np.eye(teams)])
    ratios = _by_step(cells, kept, step)
    scale, longest = unit_of(question, setting), np.max(question.learning_days)
    out: list[dict[str, float | int | str | None]] = []
    for k, weeks in enumerate(range(-4 * STEPS_BEFORE, 4 * STEPS_AFTER, 4)):
        if not np.isfinite(ratios[0, k]):
            continue
        error, df = jackknife_error(float(ratios[0, k]), ratios[1:, k][np.isfinite(ratios[1:, k])])
        reach = float(special.stdtrit(df, 0.975)) * error if df >= 1 else float("nan")
        ends = [ratios[0, k], ratios[0, k] - reach, ratios[0, k] + reach]
        change, low, high = (float(np.expm1(end)) if cells.multiplicative else float(end) * scale for end in ends)
        phase = "before" if weeks < 0 else "learning" if 7 * weeks < longest else "after"
        out.append({"weeks": weeks, "phase": phase, "change": _round(change), "low": _round(low), "high": _round(high)})
    return out


def _steps(question: Question, setting: Setting, first: Ints) -> Ints:
    """(G, B): which step each cell of the teams asked about lies in, −1 for none."""
    start = setting.panel.edges[first]
    middle = start + (np.r_[start[1:], setting.panel.edges[-1]] - start) // 2
    since = (middle[None, :] - question.go_live[:, None]).astype("timedelta64[D]").astype(float)
    with np.errstate(invalid="ignore"):
        step = np.floor(since / STEP_DAYS) + STEPS_BEFORE
    known = setting.focus[:, None] & ~np.isnat(question.go_live)[:, None]
    inside = known & (step >= 0) & (step < STEPS_BEFORE + STEPS_AFTER)
    return np.where(inside, np.nan_to_num(step, nan=-1), -1).astype(np.int64)


def _by_step(cells: Cells, kept: Floats, step: Ints) -> Floats:
    """(L, steps): log ratio or mean difference of actual to expected for each weighting of the teams."""
    team, block = fit(cells, kept[:, :, None] * cells.before[None])
    if cells.multiplicative:
        expected = cells.den * team[:, :, None] * block[:, None, :]
    else:
        expected = cells.den * (team[:, :, None] + block[:, None, :])
    known = np.isfinite(expected) & (cells.den > 0) & (kept[:, :, None] > 0)
    columns = []
    for k in range(STEPS_BEFORE + STEPS_AFTER):
        used = known & (step == k)[None]
        actual, wanted = (np.where(used, part, 0.0).sum((1, 2)) for part in (cells.num[None], expected))
        exposure = np.where(used, cells.den[None], 0.0).sum((1, 2))
        with np.errstate(divide="ignore", invalid="ignore"):
            columns.append(np.log(actual / wanted) if cells.multiplicative else (actual - wanted) / exposure)
    found = np.column_stack(columns)
    return np.where(np.isfinite(found), found, np.nan)


def _round(value: Any) -> float | None:
    """Five decimals; None when it is not known."""
    return round(float(value), 5) if np.isfinite(value) else None
