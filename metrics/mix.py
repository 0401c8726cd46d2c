"""Who makes up the figure: the mix before and after, and how much of the plain difference it alone made.

A share or a mean moves when its segments move, and when their weights do; Kitagawa 1955, J. Am. Stat. Assoc. 50(272)
splits the two. The effect at an unchanged mix is estimated on weighted rows (`standardise.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metrics.panel import Rows
from metrics.question import DIVIDED_KINDS, Bools, Question

SHIFTED = 0.10
"""Population stability index from which the mix counts as shifted (0.1 moderate, 0.25 large, by convention)."""


@dataclass(frozen=True)
class Shift:
    """One segmentation. index: population stability index, free of what sampling alone gives.

    within, mix: parts of the plain after-minus-before difference, in the KPI's unit. table: one row a segment.
    """

    name: str
    index: float
    within: float
    mix: float
    table: tuple[dict[str, float | str], ...]


def shifts(question: Question, rows: Rows) -> list[Shift]:
    """The shift of each segmentation among the teams that went live, largest first; none for sums and counts."""
    if question.kind not in (*DIVIDED_KINDS, "duration"):
        return []
    go_live = question.go_live[rows.unit]
    asked = ~np.isnat(go_live)
    if question.focus is not None:
        asked &= question.focus[rows.unit]
    before, after = asked & (rows.day < go_live), asked & (rows.day >= question.left_learning[rows.unit])
    if not before.any() or not after.any():
        return []
    found = [_shift(question, name, rows, before, after) for name in question.groups]
    return sorted((each for each in found if each is not None), key=lambda each: -each.index)


def _shift(question: Question, name: str, rows: Rows, before: Bools, after: Bools) -> Shift | None:
    """One segmentation; None when it has a single segment or no weight on a side."""
    code, names = question.groups[name][rows.picked], question.group_names.get(name)
    count = int(code.max(initial=0)) + 1
    n = np.array([np.bincount(code[side], minlength=count) for side in (before, after)], dtype=float)
    den = np.array([np.bincount(code[side], weights=rows.den[side], minlength=count) for side in (before, after)])
    num = np.array([np.bincount(code[side], weights=rows.num[side], minlength=count) for side in (before, after)])
    present = n.sum(0) > 0
    if present.sum() < 2 or (den.sum(1) <= 0).any():
        return None
    n, den, num = n[:, present], den[:, present], num[:, present]
    share = den / den.sum(1, keepdims=True)
    floored = np.maximum(n, 0.5) / np.maximum(n, 0.5).sum(1, keepdims=True)
    index = float(((floored[1] - floored[0]) * np.log(floored[1] / floored[0])).sum())
    index -= (present.sum() - 1) * float((1 / n.sum(1)).sum())
    overall = num.sum(1) / den.sum(1)
    rate = np.divide(num, den, out=np.where(den > 0, 0.0, overall[:, None]), where=den > 0)
    within = float((share.mean(0) * (rate[1] - rate[0])).sum())
    mix = float((rate.mean(0) * (share[1] - share[0])).sum())
    told = names or tuple(str(value) for value in range(count))
    table = tuple(
        {
            "segment": told[value], "share_before": share[0, k], "share_after": share[1, k],
            "value_before": rate[0, k], "value_after": rate[1, k],
        }
        for k, value in enumerate(np.flatnonzero(present))
    )  # fmt: skip
    return Shift(name, index, within, mix, table)
