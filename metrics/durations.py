"""Times that have not ended yet: Kaplan–Meier, restricted means, and pseudo-observations of them.

Averages of finished cases lie after a go-live: the newest cohort holds only its short cases. Here an open case counts
for what is known of it. Andersen, Hansen, Klein 2004, Lifetime Data Analysis 10(4): pseudo-observations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metrics.question import Bools, Floats


@dataclass(frozen=True)
class Curve:
    """A Kaplan–Meier curve: survival just after each distinct event time, risk sets and events there."""

    times: Floats
    survival: Floats
    at_risk: Floats
    events: Floats


def kaplan_meier(time: Floats, observed: Bools) -> Curve:
    """The product-limit curve; a case censored at an event time is still at risk there."""
    ended = np.sort(time[observed])
    times, first = np.unique(ended, return_index=True)
    events = np.diff(np.r_[first, len(ended)]).astype(float)
    at_risk = (len(time) - np.searchsorted(np.sort(time), times, side="left")).astype(float)
    survival = np.cumprod(1.0 - events / at_risk) if len(times) else np.zeros(0)
    return Curve(times, survival, at_risk, events)


def restricted_mean(curve: Curve, limit: float) -> float:
    """Area under the curve up to limit: the mean time, counting anything longer as the limit."""
    inside = curve.times < limit
    edges = np.r_[0.0, curve.times[inside], limit]
    heights = np.r_[1.0, curve.survival[inside]]
    return float(np.sum(np.diff(edges) * heights))


def quantile(curve: Curve, share: float) -> float | None:
    """The time by which `share` of the cases have ended; None when the curve does not come down that far."""
    reached = np.flatnonzero(curve.survival <= 1.0 - share + 1e-12)
    return float(curve.times[reached[0]]) if len(reached) else None


def restricted(time: Floats, observed: Bools, limit: float) -> tuple[Floats, Bools]:
    """Times cut at the limit; what lasted to the limit has an observed (restricted) time."""
    return np.minimum(time, limit), observed | (time >= limit)


def pseudo_values(time: Floats, observed: Bools, limit: float) -> Floats:
    """Leave-one-out pseudo-observations of the restricted mean, to first order, one a case; their mean is that mean.

    The infinitesimal jackknife: mean + influence function (Parner, Andersen, Overgaard 2023, Lifetime Data Analysis
    29), O(n log n). With nothing censored before the limit they equal min(time, limit).
    """
    if len(time) == 0:
        return np.zeros(0)
    curve = kaplan_meier(time, observed)
    mean = restricted_mean(curve, limit)
    inside = curve.times < limit
    times, survival, at_risk = curve.times[inside], curve.survival[inside], curve.at_risk[inside]
    events = curve.events[inside]
    if len(times) == 0:
        return np.full(len(time), mean)
    area_after = np.cumsum((np.diff(np.r_[times, limit]) * survival)[::-1])[::-1]
    share_at_risk = at_risk / len(time)
    with np.errstate(divide="ignore", invalid="ignore"):
        jump = np.where(events < at_risk, area_after / (share_at_risk * (1.0 - events / at_risk)), 0.0)
    compensator = np.cumsum(jump * events / at_risk)
    upto = np.searchsorted(times, np.minimum(time, limit), side="right")
    paid = np.r_[0.0, compensator][upto]
    place = np.searchsorted(times, time)
    is_event = observed & (time < limit)
    own = np.where(is_event, jump[np.minimum(place, len(times) - 1)], 0.0)
    return np.asarray(mean - own + paid)
