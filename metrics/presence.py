"""When each unit was there: from when on, and until when, its silence means zero rather than nothing known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from metrics.finding import day
from metrics.question import Floats, Ints, Question, Times

LATE_START_DAYS, SILENCE_DAYS = 56, 56
LONGER_THAN_ITS_OWN, RARE = 2.0, 0.001
NEAR_DAYS = 28
DAY = np.timedelta64(1, "D")
SIDES = (("treated", "that went live"), ("controls", "that did not go live"))


@dataclass(frozen=True)
class Presence:
    """Per unit code, datetime64[D]. begins, ends: half-open; outside nothing is known. last: of those that stopped, the
    last day with a record, NaT for all others; late: whether it began clearly later than the data.
    """

    begins: Times
    ends: Times
    last: Times
    late: Any

    @property
    def stopped(self) -> Any:
        """Units that fell silent before the end of the data."""
        return ~np.isnat(self.last)


def presence(question: Question, start: np.datetime64, end: np.datetime64) -> Presence:
    """Of every unit with a row in [start, end).

    Late is a first row more than LATE_START_DAYS after the data's. Stopped is a silence up to `end` of more than
    SILENCE_DAYS, of LONGER_THAN_ITS_OWN times its longest before, and rare (p < RARE) for a unit that has rows as often
    as this one; what comes after the last row, and a usual gap, is then unknown.
    """
    units = len(question.go_live)
    place = question.at.astype("datetime64[D]").astype(np.int64) - start.astype(np.int64)
    length = int((end - start).astype(int))
    inside = (place >= 0) & (place < length)
    unit, place = question.unit[inside], place[inside]
    first, last = np.full(units, length), np.full(units, -1)
    np.minimum.at(first, unit, place)
    np.maximum.at(last, unit, place)
    late = (first > LATE_START_DAYS) & (last >= 0)
    ends = np.full(units, length)
    stopped = np.zeros(units, dtype=bool)
    for code in np.flatnonzero((last >= 0) & (length - 1 - last > SILENCE_DAYS)):
        gap = _usual_gap(np.unique(place[unit == code]), length, question.is_periodic)
        if gap is not None:
            stopped[code], ends[code] = True, min(last[code] + 1 + gap, length)
    silent_from = np.where(stopped, start + last * DAY, np.datetime64("NaT", "D"))
    return Presence(start + np.where(late, first, 0) * DAY, start + ends * DAY, silent_from, late)


def _usual_gap(days: Ints, length: int, is_periodic: bool) -> int | None:
    """Days a unit with rows on these days is usually silent, when its last silence is none of those; else None.

    Gamma–Poisson: with n days seen in a span E, no further one in T has probability (E / (E + T))ⁿ.
    """
    span, silence = float(days[-1] - days[0] + 1), float(length - 1 - days[-1])
    longest = float(np.diff(days).max()) if len(days) > 1 else span
    if silence <= LONGER_THAN_ITS_OWN * longest:
        return None
    if not is_periodic and len(days) * np.log1p(silence / span) < -np.log(RARE):
        return None
    return int(np.ceil(span / len(days))) - 1


def dropouts(question: Question, found: Presence) -> tuple[tuple[str, ...], dict[str, Any]]:
    """What to tell about units that stopped, in words and figures; nothing when none did.

    Asked-about units count as treated, untouched ones as controls; near: stopped at their own go-live or learning.
    """
    seen = question.has_rows
    is_live = ~np.isnat(question.go_live)
    asked = is_live if question.focus is None else is_live & question.focus
    gone = found.stopped & seen
    if not gone.any():
        return (), {}
    words: list[str] = []
    figures: dict[str, Any] = {}
    for (side, said), members in zip(SIDES, (asked, seen & ~is_live), strict=True):
        figures[side] = int((gone & members).sum())
        if figures[side]:
            words.append(f"{figures[side]} of {int((seen & members).sum())} units {said}")
    figures["others"] = int((gone & is_live & ~asked).sum())
    if figures["others"]:
        words.append(f"{figures['others']} units of other waves")
    figures["near_go_live"] = close = int((near_go_live(question, found) & gone & asked).sum())
    first, last = found.last[gone].min(), found.last[gone].max()
    figures |= {"first": str(first), "last": str(last)}
    when = f"after {day(first)}" if first == last else f"after {day(first)} to {day(last)}"
    told = [f"{' and '.join(words)} have no rows {when}; from then on they count as unknown, not as zero."]
    if close:
        told.append(f"{close} of them stopped at about their own go-live; dropping out may itself be an effect.")
    return tuple(told), {"stopped": figures}


def near_go_live(question: Question, found: Presence) -> Any:
    """Units that stopped at about their own go-live, or while they learned."""
    too_early, too_late = question.go_live - NEAR_DAYS, question.left_learning + NEAR_DAYS
    return found.stopped & (found.last >= too_early) & (found.last < too_late)


def with_silence_as_zero(found: Presence, units: Any) -> Presence:
    """The same as if some units had been there, with nothing to record, all the time."""
    never = np.datetime64("NaT", "D")
    return replace(found, ends=np.where(units, found.ends.max(), found.ends), last=np.where(units, never, found.last))


def spans(question: Question, found: Presence, end: np.datetime64) -> tuple[Floats, Floats, Floats]:
    """Days (G,) each unit was there before its go-live, from it on, and after its learning window; NaN: never live."""
    ends, begins = np.minimum(found.ends, end), found.begins
    before = np.minimum(question.go_live, ends) - begins
    after, learnt = (ends - np.maximum(since, begins) for since in (question.go_live, question.left_learning))
    is_live = ~np.isnat(question.go_live)
    days = [np.where(is_live, np.maximum(side.astype(float), 0.0), np.nan) for side in (before, after, learnt)]
    return days[0], days[1], days[2]
