"""For whom: the effect in every segment, and what is left of the differences once chance is taken out.

Each segment is estimated by the design's own method, on the same teams and dates. Segments are then pooled partially:
a random-effects model (DerSimonian, Laird 1986, Control. Clin. Trials 7(3)) shrinks each estimate towards their
common mean by as much of its spread as its own error explains (empirical Bayes; Morris 1983, J. Am. Stat. Assoc. 78).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import special

from metrics import one_date, teams
from metrics.designs import Design
from metrics.finding import Finding
from metrics.panel import Rows, select
from metrics.question import Bools, Floats, Question

MAX_SEGMENTS, MIN_ROWS = 24, 30


def segment_effects(question: Question, end: np.datetime64, design: Design, finding: Finding) -> list[dict[str, Any]]:
    """One row a segmentation and segment: records, values, estimate and interval, pooled estimate and interval.

    theta, theta_error: the pooled estimate on the finding's scale, before it is told as a change.

    Segmentations with more than MAX_SEGMENTS segments are left out; a segment with fewer than MIN_ROWS records on a
    side, or without an estimate, has None. Nothing here is corrected for the number of segments: it is a description.
    """
    out = []
    for name, code in question.groups.items():
        values = np.unique(code)
        if not 2 <= len(values) <= MAX_SEGMENTS:
            continue
        found = [_one(_part(question, code == value), end, design) for value in values]
        told = question.group_names.get(name) or tuple(str(value) for value in range(int(values.max()) + 1))
        pooled = partial_pooling([(each["theta"], each["error"]) for each in found])
        for value, each, (mean, error) in zip(values, found, pooled["shrunk"], strict=True):
            out.append(
                {
                    "dim": name, "segment": told[value],
                    **{key: each[key] for key in ("n_pre", "n_post", "pre_value", "post_value")},
                    "theta": mean, "theta_error": error,
                    **_told("effect", finding, each["theta"], each["error"], each["df"]),
                    **_told("pooled", finding, mean, error, float("inf")),
                    "heterogeneity_p": pooled["p_value"],
                }
            )  # fmt: skip
    return out


def _part(question: Question, kept: Bools) -> Question:
    """The question asked of some rows only."""
    return replace(
        question, at=question.at[kept], unit=question.unit[kept], num=question.num[kept], den=question.den[kept],
        observed=question.observed[kept], groups={}, group_names={}, held=None, recorded_from=question.at.min(),
        is_stamped=None if question.is_stamped is None else question.is_stamped[kept],
        covariates=None if question.covariates is None else question.covariates[kept],
    )  # fmt: skip


def _one(question: Question, end: np.datetime64, design: Design) -> dict[str, Any]:
    """Estimate, error and degrees of freedom of one segment, NaN when it has too few records."""
    rows = select(question, end)
    before, after = _counts(question, rows)
    names = ("theta", "error", "df", "pre_value", "post_value")
    unknown = {"n_pre": before, "n_post": after, **dict.fromkeys(names, float("nan"))}
    if min(before, after) < MIN_ROWS:
        return unknown
    figures: tuple[float, ...] = ()
    if design.is_controlled:
        setting = teams.prepare(question, rows, design)
        figures = (*teams.point(setting), *teams.levels(question, setting))
    else:
        figures = one_date.figures(question, rows)
    if not figures or not np.isfinite(figures[0]) or not figures[1] > 0:
        return unknown
    return {**unknown, **dict(zip(names, figures, strict=True))}


def _counts(question: Question, rows: Rows) -> tuple[int, int]:
    """Records of teams that went live, before and after the learning window."""
    go_live = question.go_live[rows.unit]
    before = rows.day < go_live
    after = rows.day >= question.left_learning[rows.unit]
    return int(before.sum()), int(after.sum())


def partial_pooling(found: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """shrunk: (mean, error) of each (estimate, error), NaN where it was; p_value: of all being the same; tau."""
    theta, error = (np.array([each[k] for each in found], dtype=float) for k in (0, 1))
    known = np.isfinite(theta) & (error > 0)
    shrunk = np.full((len(found), 2), np.nan)
    if known.sum() < 2:
        shrunk[known] = np.column_stack([theta[known], error[known]])
        return {"shrunk": [tuple(row) for row in shrunk], "p_value": None, "tau": None}
    t, v = theta[known], error[known] ** 2
    weight = 1 / v
    mean = (weight * t).sum() / weight.sum()
    q = float((weight * (t - mean) ** 2).sum())
    free = len(t) - 1
    between = max(0.0, (q - free) / (weight.sum() - (weight**2).sum() / weight.sum()))
    weight = 1 / (v + between)
    mean, mean_variance = (weight * t).sum() / weight.sum(), 1 / weight.sum()
    own = between / (between + v)
    variance = own * v + (1 - own) ** 2 * mean_variance
    shrunk[known] = np.column_stack([mean + own * (t - mean), np.sqrt(variance)])
    return {"shrunk": [tuple(row) for row in shrunk], "p_value": float(special.chdtrc(free, q)), "tau": between**0.5}


def _told(name: str, finding: Finding, theta: float, error: float, df: float) -> dict[str, float | None]:
    """An estimate with its 95 % interval as relative changes (differences where the finding is one)."""
    reach = float(special.stdtrit(df, 0.975)) * error if np.isfinite(error) else float("nan")
    ends: Floats = np.array([theta, theta - reach, theta + reach])
    values = np.expm1(ends) if finding.multiplicative else ends
    keys = (name, f"{name}_low", f"{name}_high")
    return {key: float(value) if np.isfinite(value) else None for key, value in zip(keys, values, strict=True)}
