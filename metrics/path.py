"""Whether an effect lasts: its first third beside its last, with intervals, and what may be said of it.

The time after is cut in three. An effect that parts from one third to the other is no step; then its average over the
time after is told, and its present size with it. How a growing effect is best modelled is another question.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy import special

from metrics import series
from metrics.event_study import Traces, by_part
from metrics.finding import Finding, Part, Path, day
from metrics.question import Floats, Ints, Question
from metrics.regression import Regression, grid
from metrics.staggered import jackknife_error
from metrics.teams import Setting, unit_of

MIN_PART_DAYS, MIN_PART_SLOTS, PARTS = 28.0, 2, 3
PIECE_DAYS, MOST_PIECES, SLOTS_A_PIECE = 28.0, 13, 4
"""A piece of the time after; how many at most, and how many slots before there must be for each."""


def of_series(made: Regression, level: float, *, is_wary: bool) -> Path | None:
    """Of one series; None when a third would be shorter than MIN_PART_DAYS or MIN_PART_SLOTS.

    Every PIECE_DAYS of the time after have a level of their own, so that no shape passes for drift; thirds and the
    whole are averages of these. Whether the effect moves is asked of its slope alone, which chance moves least.
    """
    after = np.flatnonzero(made.is_after)
    known = (~made.is_after).sum() // SLOTS_A_PIECE
    count = min(MOST_PIECES, known, int(np.ceil(len(after) * made.line.slot_days / PIECE_DAYS)))
    pieces = np.array_split(after, max(count, PARTS))
    thirds = np.array_split(np.arange(len(pieces)), PARTS)
    shortest = min(sum(len(pieces[k]) for k in third) for third in (thirds[0], thirds[-1]))
    is_short = shortest * made.line.slot_days < MIN_PART_DAYS or shortest < MIN_PART_SLOTS
    if is_short or len(made.y) <= made.x.shape[1] + len(pieces) + 3:
        return None
    columns, tilt = np.zeros((len(made.y), len(pieces))), np.zeros(len(made.y))
    for number, piece in enumerate(pieces):
        columns[piece, number] = 1.0
    tilt[after] = np.linspace(-0.5, 0.5, len(after))
    tentative = made.ahead.shape[1] if is_wary else 0
    beside = made.ahead[:, :tentative]
    found = grid(made, np.column_stack([beside, columns]), tentative=tentative)
    tilted = grid(made, np.column_stack([beside, made.step, tilt]), tentative=tentative)
    size = np.array([len(piece) for piece in pieces], dtype=float)

    def told(third: Ints) -> Part:
        one = _average(found, np.where(np.isin(np.arange(len(pieces)), third), size, 0.0))
        slots = made.places[np.concatenate([pieces[k] for k in third])]
        ends = day(made.line.edges[slots[0]]), day(made.line.edges[slots[-1] + 1])
        return Part(one.centre, *one.interval(level), len(slots) * made.line.slot_days / 7, *ends)

    mean = _average(found, size)
    whole = mean.centre, *mean.interval(level), mean.p_value(), mean.spread
    return Path(told(thirds[0]), told(thirds[-1]), series.coefficient(tilted)[0].p_value(), whole)


def _average(found: series.Grid, size: Floats) -> series.Posterior:
    """What is known of the average of the pieces, weighted by size."""
    weight = size / size.sum()
    last = int(np.argmax(weight))
    others = np.delete(np.arange(len(size)), last)
    basis = np.zeros((len(size), len(size)))
    basis[others, np.arange(len(others))] = 1.0
    basis[last, : len(others)], basis[last, -1] = -weight[others] / weight[last], 1 / weight[last]
    return series.coefficient(found, basis)[0]


def of_teams(question: Question, setting: Setting, found: Traces, level: float) -> Path | None:
    """Of teams: each team's own time after is cut in three, so that both ends hold the same teams."""
    start = np.where(found.usable, found.start[None, :].astype("datetime64[D]").astype(float), np.nan)
    has_any = found.usable.any(1)
    first, last = np.full(len(start), np.nan), np.full(len(start), np.nan)
    first[has_any], last[has_any] = np.nanmin(start[has_any], axis=1), np.nanmax(start[has_any], axis=1)
    length = last - first
    with np.errstate(invalid="ignore", divide="ignore"):
        place = (start - first[:, None]) / length[:, None]
    long_enough = length >= PARTS * MIN_PART_DAYS - MIN_PART_DAYS
    if not long_enough.any():
        return None
    inside = found.usable & long_enough[:, None]
    part = np.where(inside, np.clip(np.floor(np.nan_to_num(place) * PARTS), 0, PARTS - 1), -1).astype(np.int64)
    values = by_part(found, part, PARTS)
    early, late, parting = values[:, 0], values[:, -1], values[:, -1] - values[:, 0]
    scale = unit_of(question, setting)
    weeks = float(np.median(length[long_enough]) + MIN_PART_DAYS) / 7 / PARTS
    told = []
    for column in (early, late, parting):
        error, df = jackknife_error(float(column[0]), column[1:])
        if not np.isfinite(error) or not error > 0:
            return None
        reach = float(special.stdtrit(df, (1 + level) / 2)) * error
        told.append((float(column[0]), error, df, reach))
    p_value = float(2 * special.stdtr(told[2][2], -abs(told[2][0]) / told[2][1]))
    sides = [Part(scale * t, scale * (t - reach), scale * (t + reach), weeks) for t, _, _, reach in told[:2]]
    return Path(sides[0], sides[1], p_value)


def with_path(finding: Finding, path: Path | None) -> Finding:
    """The finding with its path in the diagnostics; with the average over it where the effect moves."""
    if path is None:
        return finding
    if path.moves and path.average is not None:
        theta, low, high, p_value, error = path.average
        finding = replace(finding, theta=theta, low=low, high=high, p_value=p_value, error=error)
    figures: dict[str, Any] = {"shape": path.shape, "p_value": path.p_value, "is_relative": _is_relative(finding)}
    for name, part in (("early", path.early), ("late", path.late)):
        dates = {"start": str(part.start), "end": str(part.end)} if part.start else {}
        figures[name] = {"weeks": round(part.weeks, 1), **dates, **_changes(finding, part)}
    return replace(finding, path=path, diagnostics={**finding.diagnostics, "path": figures})


def at_last(finding: Finding, path: Path) -> Finding:
    """The finding of the last third alone."""
    return replace(finding, theta=path.late.theta, low=path.late.low, high=path.late.high)


def words(finding: Finding, path: Path) -> str:
    """First and present size of an effect that moves: what the average over the time after leaves unsaid."""
    say = _percent if _is_relative(finding) else _number
    early, late = (_changes(finding, part) for part in (path.early, path.late))
    verb = {"fading": "fades", "reversing": "reverses", "growing": "grows"}.get(path.shape, "moves")
    return (
        f"The change {verb}: {say(early['change'])} in the first {path.early.weeks:.0f} weeks that count, now (last "
        f"{path.late.weeks:.0f} weeks) {say(late['change'])} ({say(late['low'])} to {say(late['high'])})."
    )


def last_words(finding: Finding, path: Path) -> str:
    """The last third alone, where it is not sure."""
    say, late = _percent if _is_relative(finding) else _number, _changes(finding, path.late)
    return (
        f"The last {path.late.weeks:.0f} weeks alone say {say(late['change'])} ({say(late['low'])} to "
        f"{say(late['high'])}); whether it lasts is not certain."
    )


def _is_relative(finding: Finding) -> bool:
    """Whether changes are told as shares of what was to be expected; an NPS never is."""
    is_score = -np.inf < finding.limits[0] < 0
    return finding.multiplicative or not (finding.is_base_near_zero or is_score)


def _changes(finding: Finding, part: Part) -> dict[str, float]:
    """A part's change and its ends, relative where that means something, else in the KPI's unit."""
    ends = {"change": part.theta, "low": part.low, "high": part.high}
    if finding.multiplicative:
        return {name: float(np.expm1(end)) for name, end in ends.items()}
    base = abs(finding.counterfactual()) if _is_relative(finding) else 1.0
    return {name: float(end) / base for name, end in ends.items()}


def _percent(value: float) -> str:
    return f"{value:+.0%}".replace("%", " %").replace("-", "−")


def _number(value: float) -> str:
    return f"{value:+.3g}".replace("-", "−")
