"""Calendar terms: what a year and a quarter do to a series by themselves."""

from __future__ import annotations

import numpy as np

from metrics.question import Floats, Ints, Times

YEAR_DAYS = 365.2425


def calendar_terms(edges: Times, fiscal_start_month: int) -> tuple[Floats, tuple[str, ...]]:
    """(P, k) columns for slots between edges, scaled to order one, and what each tells: `season` or `quarter`.

    Weeks: yearly harmonics and the shares of a slot's days in the last, the last but one, and the first week of a
    fiscal quarter. Months: month dummies with three years or more, else harmonics and month-of-quarter dummies.
    Quarters: dummies. Years: nothing.
    """
    days = float(np.median(np.diff(edges).astype(float)))
    years = float((edges[-1] - edges[0]).astype(float)) / YEAR_DAYS
    season, quarter = np.zeros((len(edges) - 1, 0)), np.zeros((len(edges) - 1, 0))
    month = edges[:-1].astype("datetime64[M]").astype(int) % 12
    if 45 < days <= 200:
        season = _dummies((month // 3).astype(int))
    elif 28 < days <= 45:
        season = _dummies(month) if years >= 3 else _harmonics(edges, 2 if years >= 2 else 1)
        quarter = quarter if years >= 3 else _dummies((month - (fiscal_start_month - 1)) % 3)
    elif days <= 28:
        season = _harmonics(edges, 2 if years >= 1.95 else 1)
        quarter = _quarter_shares(edges, fiscal_start_month) if days <= 7 else quarter
    return np.column_stack([season, quarter]), ("season",) * season.shape[1] + ("quarter",) * quarter.shape[1]


def _dummies(code: Ints) -> Floats:
    """One column for each value but the first."""
    values = np.unique(code)
    return np.asarray((code[:, None] == values[None, 1:]).astype(float))


def _harmonics(edges: Times, count: int) -> Floats:
    """Sine and cosine of the year at the middle of each slot, `count` frequencies."""
    middle = (edges[:-1].astype(float) + edges[1:].astype(float)) / 2
    angle = 2 * np.pi * middle[:, None] / YEAR_DAYS * np.arange(1, count + 1)[None, :]
    return np.column_stack([np.sin(angle), np.cos(angle)])


def _quarter_shares(edges: Times, fiscal_start_month: int) -> Floats:
    """Shares of each slot's days in the last 7, the 7 before, and the first 7 days of a fiscal quarter."""
    day = np.arange(edges[0], edges[-1])
    months = day.astype("datetime64[M]").astype(int)
    shift = (months - (fiscal_start_month - 1)) % 3
    opened = (months - shift).astype("datetime64[M]").astype("datetime64[D]")
    closed = (months - shift + 3).astype("datetime64[M]").astype("datetime64[D]")
    left, since = (closed - day).astype(int), (day - opened).astype(int)
    slot = np.searchsorted(edges, day, side="right") - 1
    length = np.bincount(slot)
    columns = [left <= 7, (left > 7) & (left <= 14), since < 7]
    return np.column_stack([np.bincount(slot, weights=c.astype(float)) / length for c in columns])
