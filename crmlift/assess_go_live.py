"""Since when each row's unit has the new: one date for all, a column of dates, or a column that marks treated rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from crmlift.assess_options import AssessOptions, day_of
from crmlift.assess_table import AssessTable
from crmlift.errors import UsageFailure
from metrics.question import Floats, Times


def go_live(table: AssessTable, options: AssessOptions, at: Times, unit: np.ndarray[Any, Any]) -> Times:
    """The go-live of each row's unit, NaT for never."""
    if options.treated:
        return _first_treated(at, unit, table.number(options.treated))
    if options.go_live_column:
        return table.moment(options.go_live_column, may_be_never=True)
    return np.full(len(at), day_of(str(options.go_live), "--go-live").astype("datetime64[s]"))


def _first_treated(at: Times, unit: np.ndarray[Any, Any], treated: Floats) -> Times:
    """Each row's unit's first date with a mark; UsageFailure when a mark is neither 0 nor 1 or is taken back."""
    if not np.isin(treated, (0.0, 1.0)).all():
        raise UsageFailure("--treated needs a column of 0 and 1.", next_step="put 1 where the unit has changed, else 0")
    code = np.unique(unit, return_inverse=True)[1].reshape(-1)
    first = np.full(int(code.max()) + 1, np.datetime64("NaT", "s"))
    order = np.flatnonzero(treated == 1)[np.argsort(at[treated == 1])[::-1]]
    first[code[order]] = at[order]
    back = (treated == 0) & (at >= first[code])
    if back.any():
        raise UsageFailure(
            f"Unit {unit[back][0]} is marked treated and later not.", next_step="a unit that changed stays changed"
        )
    return np.asarray(first[code])


def go_live_of(dates: Times, code: np.ndarray[Any, Any], names: np.ndarray[Any, Any]) -> Times:
    """Each unit's date; UsageFailure when a unit has two."""
    out = np.full(len(names), np.datetime64("NaT", "D"))
    order = np.argsort(code, kind="stable")
    out[code[order]] = dates[order]
    same = (dates == out[code]) | (np.isnat(dates) & np.isnat(out[code]))
    if not same.all():
        raise UsageFailure(
            f"Unit {names[code[~same][0]]} has more than one go-live date.",
            next_step="give each unit one date, the same in all its rows",
        )
    return out
