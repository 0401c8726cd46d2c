"""`crmlift assess`: the verdict on any CSV, no CRM needed. Reads the file, asks `metrics`, one verdict a segment."""

from __future__ import annotations

from dataclasses import fields
from datetime import date, datetime
from pathlib import Path
from typing import Any, get_args

import numpy as np

from crmlift.assess_columns import AssessOptions, Columns, go_live_of, read_columns
from crmlift.assess_words import explain
from crmlift.errors import UsageFailure
from crmlift.spreadsheet import Spreadsheet
from metrics.multiplicity import correct
from metrics.panel import spacing
from metrics.question import Bools, Kind, Period, Question, Verdict
from metrics.verdict import judge

__all__ = ["AssessOptions", "assess_file", "explain"]

LEARNING_DAYS = 42


def assess_file(path: Path, options: AssessOptions) -> list[dict[str, Any]]:
    """One verdict a segment, with the fields of evaluation.kpi_effect; several segments are corrected together.

    Raises UsageFailure for a file, a column or a cell that cannot be used.
    """
    _check(options)
    sheet = Spreadsheet(Path(path))
    try:
        columns = read_columns(sheet, options)
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
    if options.quantile is not None and not 0 < options.quantile < 1:
        raise UsageFailure(f"--quantile cannot be {options.quantile:g}.", next_step="use a share such as 0.5 or 0.9")
    if options.quantile is not None and options.kind not in (None, "quantile"):
        raise UsageFailure(
            f"--quantile and --kind {options.kind} contradict each other.", next_step="leave one of them out"
        )


def _question(columns: Columns, options: AssessOptions, rows: Bools) -> Question:
    """The question about one segment."""
    groups = {name: np.unique(values[rows], return_inverse=True) for name, values in columns.groups.items()}
    names, code = np.unique(columns.unit[rows], return_inverse=True)
    go_live = go_live_of(columns.go_live[rows].astype("datetime64[D]"), code, names)
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
        share=0.5 if options.quantile is None else options.quantile,
        is_time=options.end is not None,
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


def _published(verdict: Verdict, options: AssessOptions, segment: str, columns: Columns) -> dict[str, Any]:
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
