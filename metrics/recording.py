"""Outcomes that were not recorded from the start: cases begun earlier look as if they had lasted for ever."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from metrics.finding import day
from metrics.presence import DAY
from metrics.question import Question

MIN_OVERDUE = 30
STRAY_SHARE = 0.001


def since_recorded(question: Question) -> tuple[Question, tuple[str, ...]]:
    """The question without the time before its outcomes were recorded (left truncation), and what to tell about it.

    Told by cases that none ended of: at least MIN_OVERDUE began so long before the first recorded end that nine in
    ten of all that ever ended would have ended by then. One end in a thousand may lie earlier: somebody filled it in.
    """
    ended = question.observed & np.isfinite(question.num) & (question.num >= 0)
    if question.kind != "duration" or question.is_periodic or not ended.any():
        return question, ()
    days = question.num * question.time_unit_days
    ends = np.sort((question.at[ended] - question.at.min()) / DAY + days[ended])
    first = float(ends[int(STRAY_SHARE * len(ends))])
    overdue = (question.at - question.at.min()) / DAY + np.quantile(days[ended], 0.9) < first
    if overdue.sum() < MIN_OVERDUE:
        return question, ()
    start = (question.at.min() + np.timedelta64(int(first), "D")).astype("datetime64[D]")
    known = start if question.recorded_from is None else max(start, question.recorded_from.astype("datetime64[D]"))
    words = f"No end of a case was recorded before {day(start)}; cases that began earlier are left out."
    return replace(question, recorded_from=known), (words,)
