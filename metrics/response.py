"""Surveys: when another share of those asked answers than before, the change may be in who answers.

Lee 2009, Review of Economic Studies 76(3): the side that answered more is trimmed, from the top and from the bottom, by
the share the other side lacks; between the two lies what the same people would have said.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metrics.finding import Finding
from metrics.panel import Rows
from metrics.question import Bools, Question

MOVED = 0.10


@dataclass(frozen=True)
class Bounds:
    """The interval (on the finding's own scale), wide enough for those missing to answer best or worst."""

    low: float
    high: float


def moved(question: Question) -> float:
    """By how much the response rate moved, before to after; 0 when it is not known."""
    if question.response_rates is None:
        return 0.0
    before, after = question.response_rates
    return after - before


def bounds(question: Question, rows: Rows, finding: Finding) -> Bounds | None:
    """None when the answers of a side are too few to trim, or the response rate is not known."""
    if question.response_rates is None or max(question.response_rates) <= 0:
        return None
    share = abs(moved(question)) / max(question.response_rates)
    go_live = question.go_live[rows.unit]
    treated = ~np.isnat(go_live)
    if question.focus is not None:
        treated &= question.focus[rows.unit]
    is_after = moved(question) > 0
    fuller = treated & (rows.day >= question.left_learning[rows.unit] if is_after else rows.day < go_live)
    shifts = _shifts(rows, fuller, share, finding.multiplicative)
    if shifts is None:
        return None
    points = 100 if question.kind == "nps" else 1
    low, high = sorted(points * (shift if is_after else -shift) for shift in shifts)
    return Bounds(finding.low + low, finding.high + high)


def _shifts(rows: Rows, side: Bools, share: float, multiplicative: bool) -> tuple[float, float] | None:
    """How the mean of a side moves without its highest and without its lowest share."""
    values = np.sort(rows.num[side] / rows.den[side])
    dropped = round(share * len(values))
    if len(values) - dropped < 1:
        return None
    mean, without_top, without_bottom = values.mean(), values[: len(values) - dropped].mean(), values[dropped:].mean()
    if not multiplicative:
        return float(without_top - mean), float(without_bottom - mean)
    if min(mean, without_top) <= 0:
        return None
    return float(np.log(without_top / mean)), float(np.log(without_bottom / mean))
