"""The columns of a spreadsheet that `crmlift assess` was told to read, as arrays: dates, values, units, go-lives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from crmlift.errors import UsageFailure
from crmlift.spreadsheet import Spreadsheet
from metrics.panel import spacing
from metrics.question import Bools, Floats, Kind, Times

PERIOD_DAYS = {"day": 1, "week": 7, "4 weeks": 28, "month": 31, "quarter": 92, "year": 366}


@dataclass(frozen=True)
class AssessOptions:
    """What the command line says; columns by name. learning_days None: 42 for events, days and weeks, else 0."""

    date: str
    value: str | None = None
    go_live: str | None = None
    unit: str | None = None
    go_live_column: str | None = None
    treated: str | None = None
    end: str | None = None
    denominator: str | None = None
    kind: str | None = None
    quantile: float | None = None
    period: str = "auto"
    better: str = "higher"
    learning_days: int | None = None
    min_important: float | None = None
    covariates: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    mix: tuple[str, ...] = ()
    log: bool = False
    as_of: str | None = None


@dataclass(frozen=True)
class Columns:
    """The file as arrays of one length; `segment` is what --by says, 'all' without it."""

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
    is_periodic: bool
    dropped: int


def read_columns(sheet: Spreadsheet, options: AssessOptions) -> Columns:
    """Every column the options name, rows without a date or a value left out."""
    named = {
        "--date": options.date, "--value": options.value, "--unit": options.unit, "--end": options.end,
        "--go-live-column": options.go_live_column, "--treated": options.treated, "--denominator": options.denominator,
    }  # fmt: skip
    named |= {f"--covariates {name}": name for name in options.covariates}
    named |= {f"--by {name}": name for name in options.by}
    named |= {f"--mix {name}": name for name in options.mix}
    sheet.require(named)
    at = sheet.day(options.date)
    if len(at) == 0 or np.isnat(at).all():
        raise UsageFailure(f"{sheet.path.name} has no row with a date in {options.date}.")
    unit = sheet.text(options.unit) if options.unit else np.full(len(at), "")
    if options.treated:
        go_live = _first_treated(at, unit, sheet.number(options.treated))
    else:
        go_live = sheet.day_or_never(options.go_live_column) if options.go_live_column else _one_date(options, len(at))
    segment = np.full(len(at), "all")
    if options.by:
        segment = np.array([" | ".join(each) for each in zip(*(sheet.text(c) for c in options.by), strict=True)])
    is_periodic = _is_periodic(at, unit, segment) and not options.end
    as_of = _as_of(options, at, is_periodic)
    num, den, observed, kind = _values(sheet, options, at, as_of, is_periodic)
    groups = {name: sheet.text(name) for name in options.mix}
    covariates = np.column_stack([sheet.number(c) for c in options.covariates]) if options.covariates else None
    keep = ~np.isnat(at) & np.isfinite(num) & np.isfinite(den)
    if covariates is not None:
        keep &= np.isfinite(covariates).all(1)
    if not keep.any():
        raise UsageFailure(f"No row of {sheet.path.name} has both a date and a value.")
    _refuse_date_outside(options, at, as_of)
    return Columns(
        at[keep], num[keep], den[keep], observed[keep], unit[keep], go_live[keep],
        None if covariates is None else covariates[keep], segment[keep],
        {name: values[keep] for name, values in groups.items()}, as_of, kind, is_periodic, int((~keep).sum()),
    )  # fmt: skip


def _refuse_date_outside(options: AssessOptions, at: Times, as_of: np.datetime64) -> None:
    """One go-live for all must lie within the data, or there is nothing to compare."""
    if not options.go_live:
        return
    day, first = _date(options.go_live, "--go-live"), np.nanmin(at).astype("datetime64[D]")
    if first < day < as_of:
        return
    raise UsageFailure(
        f"The go-live {day} lies {'before' if day <= first else 'after'} all rows.",
        why=f"They reach from {first} to {as_of - np.timedelta64(1, 'D')}.",
        next_step="check --go-live and --date; rows before and after it are needed",
    )


def _values(
    sheet: Spreadsheet, options: AssessOptions, at: Times, as_of: np.datetime64, is_periodic: bool
) -> tuple[Floats, Floats, Bools, Kind]:
    """Numerator, denominator, observed, and the kind: as asked, or what the columns suggest."""
    den = sheet.number(options.denominator) if options.denominator else np.ones(len(at))
    is_quantile = options.quantile is not None or options.kind == "quantile"
    observed = np.ones(len(at), dtype=bool)
    if options.end:
        end = sheet.day(options.end)
        is_open = np.isnat(end) | (end > as_of)
        stop = np.where(is_open, as_of.astype("datetime64[s]"), end)
        return (
            (stop - at).astype("timedelta64[s]").astype(float) / 86400,
            den,
            ~is_open,
            "quantile" if is_quantile else "duration",
        )
    num = sheet.number(options.value) if options.value else np.ones(len(at))
    if is_quantile:
        return num, den, observed, "quantile"
    if options.kind:
        return num, den, observed, options.kind  # type: ignore[return-value]
    if options.denominator:
        return num, den, observed, "ratio"
    if options.value is None:
        return num, den, observed, "count"
    is_share = not is_periodic and bool(np.isin(num[np.isfinite(num)], (0.0, 1.0)).all())
    return num, den, observed, "proportion" if is_share else "mean"


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


def _one_date(options: AssessOptions, count: int) -> Times:
    """The same go-live for every row."""
    return np.full(count, _date(str(options.go_live), "--go-live").astype("datetime64[s]"))


def _date(text: str, option: str) -> np.datetime64:
    """A date from the command line: 2026-03-02, 2026-03 or 2026."""
    try:
        found = np.datetime64(text.strip(), "D")
    except ValueError as error:
        raise UsageFailure(f"{option} {text!r} is not a date.", next_step="write it as 2026-03-02") from error
    if np.isnat(found):
        raise UsageFailure(f"{option} {text!r} is not a date.", next_step="write it as 2026-03-02")
    return found


def _as_of(options: AssessOptions, at: Times, is_periodic: bool) -> np.datetime64:
    """The day the data are complete up to: as said, else just after the last row (period)."""
    if options.as_of:
        return _date(options.as_of, "--as-of")
    last = np.nanmax(at).astype("datetime64[D]")
    length = PERIOD_DAYS[spacing(at[~np.isnat(at)])] if is_periodic else 1
    if length in (31, 92, 366):
        months = {31: 1, 92: 3, 366: 12}[length]
        return (last.astype("datetime64[M]") + np.timedelta64(months, "M")).astype("datetime64[D]")  # type: ignore[no-any-return]
    return last + np.timedelta64(length, "D")  # type: ignore[no-any-return]


def _is_periodic(at: Times, unit: np.ndarray[Any, Any], segment: np.ndarray[Any, Any]) -> bool:
    """Whether rows are ready-made periods: one a unit and date, and the dates evenly spaced."""
    days = np.unique(at[~np.isnat(at)].astype("datetime64[D]"))
    if len(days) < 3:
        return False
    gaps = np.diff(days).astype(float)
    usual = float(np.median(gaps))
    slack = 0.0 if usual < 28 else 0.1 * usual
    even = np.mean(np.abs(gaps - usual) <= slack) >= 0.9
    keys = np.char.add(np.char.add(unit.astype(str), "\x1f"), segment.astype(str))
    codes = np.unique(keys, return_inverse=True)[1].astype(np.int64)
    pairs = codes * 10**7 + at.astype("datetime64[D]").astype(np.int64)
    return bool(even and len(np.unique(pairs)) == len(pairs))


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
