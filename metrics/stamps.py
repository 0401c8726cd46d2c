"""Dates that are not life's own: records that a migration created, all on the day or the few days of the load."""

from __future__ import annotations

import numpy as np

from metrics.question import Bools, Question

MAX_DAY_SHARE = 0.20
SPIKE_FACTOR, SPIKE_DAYS, MIN_SPIKE = 10.0, 5, 20


def stamped(question: Question) -> Bools:
    """Rows whose day carries far more records than a day can: a fifth of all, or ten ordinary days' worth.

    Ordinary is the median day that has any record. More than SPIKE_DAYS spikes are how that company works (everything
    is booked at month ends, say), not a load. What the question marks itself is kept; ready-made periods have none.
    """
    if question.is_stamped is not None:
        return question.is_stamped
    if question.is_periodic or len(question.at) == 0:
        return np.zeros(len(question.at), dtype=bool)
    day = question.at.astype("datetime64[D]").astype(np.int64)
    place = day - day.min()
    counts = np.bincount(place)
    ordinary = float(np.median(counts[counts > 0]))
    spikes = (counts > SPIKE_FACTOR * ordinary) & (counts >= MIN_SPIKE)
    if spikes.sum() > SPIKE_DAYS:
        spikes[:] = False
    if (counts > 0).sum() > 1 / MAX_DAY_SHARE:
        spikes |= counts > MAX_DAY_SHARE * len(day)
    return np.asarray(spikes[place])
