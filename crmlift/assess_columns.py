"""The columns that `crmlift assess` was told to read, as arrays, and how they were understood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np

from crmlift.assess_go_live import go_live
from crmlift.assess_options import AssessOptions, day_of
from crmlift.assess_rows import Gaps, Grid, doubled_rows, end_of, find_gaps, grid_of, silence
from crmlift.assess_table import AssessTable
from crmlift.assess_values import is_binary, values
from crmlift.errors import UsageFailure
from metrics.question import Bools, Floats, Kind, Times

PERIOD_MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True)
class Columns:
    """The file as arrays of one length; `segment` is what --by says, 'all' without it.

    read_as: how the file was understood, for people and programs. caveats: what to bear in mind about it.
    """

    at: Times
    num: Floats
    den: Floats
    observed: Bools
    unit: np.ndarray[Any, Any]
    go_live: Times
    covariates: Floats | None
    segment: np.ndarray[Any, Any]
    groups: Mapping[str, np.ndarray[Any, Any]]
    as_of: np.datetime64
    kind: Kind
    grid: Grid | None
    gaps: Gaps = field(default_factory=Gaps)
    read_as: Mapping[str, Any] = field(default_factory=dict)
    caveats: tuple[str, ...] = ()

    @property
    def is_periodic(self) -> bool:
        """Whether rows are figures of periods, not events."""
        return self.grid is not None

    def picked(self, rows: Any) -> Columns:
        """The same of some rows."""
        return replace(
            self, at=self.at[rows], num=self.num[rows], den=self.den[rows], observed=self.observed[rows],
            unit=self.unit[rows], go_live=self.go_live[rows], segment=self.segment[rows],
            covariates=None if self.covariates is None else self.covariates[rows],
            groups={name: values[rows] for name, values in self.groups.items()},
        )  # fmt: skip


def read_columns(table: AssessTable, options: AssessOptions) -> Columns:
    """Every column the options name; rows without a date or a value are left out and counted."""
    at = table.moment(options.date)
    if len(at) == 0 or np.isnat(at).all():
        raise UsageFailure(f"{table.name} has no row with a date in {options.date}.")
    unit = table.text(options.unit) if options.unit else np.full(len(at), "")
    segment = np.full(len(at), "all")
    if options.by:
        segment = np.array([" | ".join(each) for each in zip(*(table.text(c) for c in options.by), strict=True)])
    grid = _grid(options, at, unit, segment)
    as_of = _as_of(options, at, grid)
    num, den, observed, kind, told = values(table, options, at, as_of, is_of_periods=grid is not None)
    is_answer = kind == "nps" or (kind == "proportion" and not options.denominator and is_binary(num))
    grid = None if is_answer else grid
    covariates = np.column_stack([table.number(c) for c in options.covariates]) if options.covariates else None
    whole = Columns(
        at, num, den, observed, unit, go_live(table, options, at, unit), covariates, segment,
        {name: table.text(name) for name in options.mix}, as_of, kind, grid,
    )  # fmt: skip
    _refuse_date_outside(options, at, as_of)
    kept, left_out = _kept(whole, table)
    again, sense = doubled_rows(table.rows, table.header, _judged(table, options))
    found = _with_gaps(whole.picked(kept), options)
    caveats = (*_doubled_words(again, sense, whole), *_gap_words(found, options))
    read_as = _read_as(table, options, found, told, left_out)
    return replace(found, read_as=read_as, caveats=caveats)


def _grid(options: AssessOptions, at: Times, unit: np.ndarray[Any, Any], segment: np.ndarray[Any, Any]) -> Grid | None:
    """The periods that rows are figures of: said, or certain; None: rows are events."""
    if options.end or options.value is None or options.rows == "events":
        return None
    grid = grid_of(at)
    codes = np.unique(np.char.add(np.char.add(unit.astype(str), "\x1f"), segment.astype(str)), return_inverse=True)[1]
    known = ~np.isnat(at)
    pairs = codes.astype(np.int64)[known] * 10**7 + at[known].astype("datetime64[D]").astype(np.int64)
    is_single = len(np.unique(pairs)) == len(pairs)
    if options.rows == "periods":
        if grid is None:
            raise UsageFailure(
                f"The dates in {options.date} are not evenly spaced, so they are no periods.",
                next_step="leave --rows out, or write the first day of each week, month, quarter or year",
            )
        if not is_single:
            raise UsageFailure(
                f"A date in {options.date} stands in several rows{' of one unit' if options.unit else ''}.",
                next_step="sum them up, add --unit or --by, or leave --rows out",
            )
    return grid if is_single else None


def _as_of(options: AssessOptions, at: Times, grid: Grid | None) -> Any:
    """The day the data are complete up to: as said, else just after the last row (period)."""
    known = at[~np.isnat(at)]
    last, first = known.max().astype("datetime64[D]"), known.min().astype("datetime64[D]")
    if options.as_of:
        said = day_of(options.as_of, "--as-of")
        if said <= first:
            raise UsageFailure(
                f"--as-of {said} lies before all rows.", why=f"They reach from {first} to {last}.",
                next_step="give the day up to which the rows are complete",
            )  # fmt: skip
        return said
    if grid is None:
        return last + np.timedelta64(1, "D")
    end, today = end_of(grid, last), np.datetime64(datetime.now().date(), "D")
    return today if last <= today < end else end


def _refuse_date_outside(options: AssessOptions, at: Times, as_of: np.datetime64) -> None:
    """One go-live for all must lie within the data, or there is nothing to compare."""
    if not options.go_live:
        return
    day, first = day_of(options.go_live, "--go-live"), np.nanmin(at).astype("datetime64[D]")
    if first < day < as_of:
        return
    raise UsageFailure(
        f"The go-live {day} lies {'before' if day <= first else 'after'} all rows.",
        why=f"They reach from {first} to {as_of - np.timedelta64(1, 'D')}.",
        next_step="check --go-live and --date; rows before and after it are needed",
    )


def _kept(whole: Columns, table: AssessTable) -> tuple[Bools, dict[str, int]]:
    """The rows to judge by, and how many are left out for which reason; each row is counted once."""
    reasons = {
        "without a date": np.isnat(whole.at),
        f"on or after {whole.as_of}": whole.at >= whole.as_of,
        f"of a period not over by {whole.as_of}": _is_unfinished(whole),
        "without a value": ~np.isfinite(whole.num),
        "with their end before their start": (whole.num < 0) & np.isin([whole.kind], ("duration", "quantile"))[0],
        "without a denominator": ~np.isfinite(whole.den) | (whole.den == 0),
    }
    if whole.covariates is not None:
        reasons["without a covariate"] = ~np.isfinite(whole.covariates).all(1)
    kept = np.ones(len(whole.at), dtype=bool)
    left_out: dict[str, int] = {}
    for reason, rows in reasons.items():
        count = int((kept & rows).sum())
        if count:
            left_out[reason] = count
        kept &= ~rows
    if table.left_out:
        left_out["below the table (totals, notes)"] = len(table.left_out)
    if not kept.any():
        raise UsageFailure(
            f"No row of {table.name} has both a date and a value.",
            why="; ".join(f"{count} {reason}" for reason, count in left_out.items()) + ".",
        )
    return kept, left_out


def _is_unfinished(whole: Columns) -> Bools:
    """Figures of periods that reach beyond the day the data are complete up to: no whole ones."""
    if whole.grid is None:
        return np.zeros(len(whole.at), dtype=bool)
    known = ~np.isnat(whole.at)
    days = np.unique(whole.at[known].astype("datetime64[D]"))
    ends = {day: end_of(whole.grid, day) for day in days}
    late = [day for day, end in ends.items() if end > whole.as_of]
    return np.asarray(known & np.isin(whole.at.astype("datetime64[D]"), late))


def _with_gaps(columns: Columns, options: AssessOptions) -> Columns:
    """The columns with a row of zero for each period without one, where that is what the gap means."""
    grid = columns.grid
    if grid is None:
        return columns
    keys = np.char.add(np.char.add(columns.unit.astype(str), "\x1f"), columns.segment.astype(str))
    group = np.unique(keys, return_inverse=True)[1].reshape(-1).astype(np.int64)
    can_fill = columns.covariates is None and not options.denominator and not columns.groups
    gaps = find_gaps(columns.at, group, columns.num, grid, columns.kind, options.gaps, can_fill=can_fill)
    if not gaps.extra:
        return replace(columns, gaps=replace(gaps, meaning=gaps.meaning and "unknown"))
    rows = np.r_[np.arange(len(columns.at)), [template for template, _ in gaps.extra]]
    filled = columns.picked(rows)
    new = np.arange(len(columns.at), len(rows))
    filled.at[new] = [day for _, day in gaps.extra]
    filled.num[new] = 0.0
    return replace(filled, gaps=gaps)


def _gap_words(columns: Columns, options: AssessOptions) -> tuple[str, ...]:
    """What to bear in mind of periods without a row, unless the command line says what they mean."""
    gaps = columns.gaps
    if columns.grid is None:
        found = silence(columns.at) if columns.kind in ("count", "sum") else None
        if found is None:
            return ()
        return (
            f"There is no row between {found[0]} and {found[1]}; the time counts as one in which nothing happened.",
        )
    if not gaps.slots or options.gaps:
        return ()
    said = f"{gaps.slots} of {gaps.of} {gaps.name} have no row"
    if gaps.meaning == "zero":
        return (f"{said} and count as 0; if they were not recorded, add --gaps unknown.",)
    cure = "add --gaps zero" if columns.kind in ("count", "sum") else "add --kind count or --kind sum, and --gaps zero"
    return (f"{said} and are not known; if nothing happened in them, {cure}.",)


def _judged(table: AssessTable, options: AssessOptions) -> list[int]:
    """The places of date, value and unit, for rows that repeat; empty without a value."""
    names = [options.date, options.value or options.end, options.unit]
    found = [name for name in names if name]
    return [table.place(name) for name in found] if options.value or options.end else []


def _doubled_words(again: Bools, sense: str, whole: Columns) -> tuple[str, ...]:
    """Rows that repeat others, before and after the go-live."""
    if not again.any():
        return ()
    day = whole.at.astype("datetime64[D]")
    first = whole.go_live[~np.isnat(whole.go_live)].astype("datetime64[D]")
    is_after = day >= first.min() if len(first) else np.zeros(len(day), dtype=bool)
    shares = [float(again[side].mean()) if side.any() else 0.0 for side in (~is_after, is_after)]
    before, after = (f"{100 * share:.0f} %" for share in shares)
    return (
        f"{int(again.sum())} rows repeat another one ({sense}): {before} of the rows before the go-live, {after} after "
        "it. A join to several records makes such rows; take them out unless they are meant.",
    )


def _read_as(
    table: AssessTable, options: AssessOptions, columns: Columns, told: Mapping[str, str], left_out: Mapping[str, int]
) -> dict[str, Any]:
    """How the file was understood: what the line "Read as" says, for programs."""
    numbers = {
        name: table.read[name]
        for name in (options.value, options.denominator, *options.covariates)
        if name in table.read
    }
    grid = columns.grid
    return {
        "file": table.name,
        "rows": len(table.rows),
        "rows_used": int(len(columns.at) - len(columns.gaps.extra)),
        "first_date": str(columns.at.min().astype("datetime64[D]")),
        "last_date": str(columns.at.max().astype("datetime64[D]")),
        "rows_are": "events" if grid is None else f"figures of {grid.name}",
        "dates": table.read.get(options.date, ""),
        "numbers": numbers,
        "values": told.get("nps", ""),
        "left_out": dict(left_out),
        "gaps": columns.gaps.words,
        "kind": columns.kind,
        "better": options.better or "higher",
        "is_better_said": options.better is not None,
        "as_of": str(columns.as_of),
    }
