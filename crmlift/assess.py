"""`crmlift assess`: the verdict on any CSV, no CRM needed. Reads the file, asks `metrics`, one verdict a segment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from pathlib import Path
from typing import Any, get_args

import numpy as np

from crmlift.assess_words import explain
from crmlift.errors import UsageFailure
from crmlift.spreadsheet import Spreadsheet
from metrics.multiplicity import correct
from metrics.panel import spacing
from metrics.question import Bools, Floats, Kind, Period, Question, Times, Verdict
from metrics.verdict import judge

__all__ = ["AssessOptions", "assess_file", "explain"]

LEARNING_DAYS = 42
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
class _Columns:
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


def assess_file(path: Path, options: AssessOptions) -> list[dict[str, Any]]:
    """One verdict a segment, with the fields of evaluation.kpi_effect; several segments are corrected together.

    Raises UsageFailure for a file, a column or a cell that cannot be used.
    """
    _check(options)
    sheet = Spreadsheet(Path(path))
    try:
        columns = _read(sheet, options)
    finally:
        sheet.close()
    names = sorted(set(columns.segment.tolist()))
    verdicts = [judge(_question(columns, options, columns.segment == name)) for name in names]
    if len(verdicts) > 1:
        verdicts = correct(verdicts, [True] * len(verdicts), "segments")
    return [_published(verdict, options, str(name), columns) for name, verdict in zip(names, verdicts, strict=True)]


def _check(options: AssessOptions) -> None:
    """Refuse what contradicts itself before reading anything."""
    dated = [bool(each) for each in (options.go_live, options.go_live_column, options.treated)]
    if sum(dated) != 1:
        raise UsageFailure(
            "The date of the change is missing." if not any(dated) else "The date of the change was given twice.",
            next_step="give one of --go-live DATE, --go-live-column COLUMN, --treated COLUMN",
        )
    if not options.go_live and not options.unit:
        raise UsageFailure(
            f"{'--treated' if options.treated else '--go-live-column'} says when each unit changed, but no --unit says "
            "which rows belong together.",
            next_step="add --unit COLUMN (team, region, shop …)",
        )
    for name, given, allowed in (
        ("--kind", options.kind, get_args(Kind)),
        ("--period", options.period, get_args(Period)),
        ("--better", options.better, ("higher", "lower")),
    ):
        if given is not None and given not in allowed:
            raise UsageFailure(f"{name} cannot be {given!r}.", next_step=f"use one of: {', '.join(allowed)}")
    if options.kind == "duration" and not options.end and not options.value:
        raise UsageFailure("A duration needs an end.", next_step="add --end COLUMN, or --value with the time in days")


def _read(sheet: Spreadsheet, options: AssessOptions) -> _Columns:
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
    return _Columns(
        at[keep], num[keep], den[keep], observed[keep], unit[keep], go_live[keep],
        None if covariates is None else covariates[keep], segment[keep],
        {name: values[keep] for name, values in groups.items()}, as_of, kind, is_periodic, int((~keep).sum()),
    )  # fmt: skip


def _values(
    sheet: Spreadsheet, options: AssessOptions, at: Times, as_of: np.datetime64, is_periodic: bool
) -> tuple[Floats, Floats, Bools, Kind]:
    """Numerator, denominator, observed, and the kind: as asked, or what the columns suggest."""
    den = sheet.number(options.denominator) if options.denominator else np.ones(len(at))
    observed = np.ones(len(at), dtype=bool)
    if options.end:
        end = sheet.day(options.end)
        is_open = np.isnat(end) | (end > as_of)
        stop = np.where(is_open, as_of.astype("datetime64[s]"), end)
        return (stop - at).astype("timedelta64[s]").astype(float) / 86400, den, ~is_open, "duration"
    num = sheet.number(options.value) if options.value else np.ones(len(at))
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


def _question(columns: _Columns, options: AssessOptions, rows: Bools) -> Question:
    """The question about one segment."""
    groups = {name: np.unique(values[rows], return_inverse=True) for name, values in columns.groups.items()}
    names, code = np.unique(columns.unit[rows], return_inverse=True)
    go_live = _go_live_of(columns.go_live[rows].astype("datetime64[D]"), code, names)
    coarse = columns.is_periodic and spacing(columns.at) in ("month", "quarter", "year")
    default = 0 if coarse else LEARNING_DAYS
    at = columns.at[rows]
    return Question(
        kind=columns.kind,
        better=options.better,  # type: ignore[arg-type]
        at=at,
        unit=code.reshape(-1).astype(np.int64),
        num=columns.num[rows],
        den=columns.den[rows],
        observed=columns.observed[rows],
        go_live=go_live,
        as_of=columns.as_of,
        learning_days=default if options.learning_days is None else options.learning_days,
        period=options.period,  # type: ignore[arg-type]
        min_important_change=options.min_important,
        alpha_policy="single",
        covariates=None if columns.covariates is None else columns.covariates[rows],
        covariate_names=options.covariates,
        log=True if options.log else None,
        is_periodic=columns.is_periodic,
        groups={name: code.reshape(-1).astype(np.int64) for name, (_, code) in groups.items()},
        group_names={name: tuple(str(value) for value in values) for name, (values, _) in groups.items()},
        unit_names=tuple(str(name) for name in names),
    )


def _go_live_of(dates: Times, code: np.ndarray[Any, Any], names: np.ndarray[Any, Any]) -> Times:
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


def _published(verdict: Verdict, options: AssessOptions, segment: str, columns: _Columns) -> dict[str, Any]:
    """The fields of evaluation.kpi_effect, dates as ISO text."""
    known = {field.name: getattr(verdict, field.name) for field in fields(verdict)}
    known["caveats"] = list(verdict.caveats)
    if columns.dropped:
        known["caveats"].append(f"{columns.dropped} rows without a date or a value were left out.")
    row = {
        "rollout_id": "assess",
        "wave_id": "all",
        "kpi_id": options.value or (f"days to {options.end}" if options.end else "rows"),
        "segment_dim": ",".join(options.by) or "all",
        "segment_value": segment,
        "as_of": columns.as_of.item(),
        **known,
        "definition_version": None,
        "run_id": None,
        "computed_at": None,
        "kind": columns.kind,
        "better": options.better,
    }
    return {name: _iso(value) for name, value in row.items()}


def _iso(value: Any) -> Any:
    return value.isoformat() if isinstance(value, (date, datetime)) else value
