"""`crmlift assess`: the verdict on any table, no CRM needed. Reads the file, asks `metrics`, one verdict a segment."""

from __future__ import annotations

from dataclasses import fields
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from crmlift.assess_columns import Columns, read_columns
from crmlift.assess_go_live import go_live_of
from crmlift.assess_options import AssessOptions, check_options
from crmlift.assess_table import AssessTable, FileOptions
from crmlift.assess_words import explain, read_as_line
from metrics.multiplicity import correct
from metrics.question import Question, Verdict
from metrics.verdict import judge

__all__ = ["AssessOptions", "FileOptions", "assess_file", "explain", "read_as_line"]

LEARNING_DAYS = 42


def assess_file(path: Path, options: AssessOptions) -> list[dict[str, Any]]:
    """One verdict a segment, with the fields of evaluation.kpi_effect; several segments are corrected together.

    `read_as` tells how the file was understood, the same in each. Raises UsageFailure for a file, a column, a cell or
    an option that cannot be used or can be read in two ways.
    """
    check_options(options)
    columns = read_columns(AssessTable(Path(path), options.named, options.file), options)
    names = sorted(set(columns.segment.tolist()))
    verdicts = [judge(_question(columns.picked(columns.segment == name), options)) for name in names]
    if len(verdicts) > 1:
        verdicts = correct(verdicts, [True] * len(verdicts), "segments")
    return [_published(verdict, options, str(name), columns) for name, verdict in zip(names, verdicts, strict=True)]


def _question(columns: Columns, options: AssessOptions) -> Question:
    """The question about one segment."""
    groups = {name: np.unique(values, return_inverse=True) for name, values in columns.groups.items()}
    names, code = np.unique(columns.unit, return_inverse=True)
    go_live = go_live_of(columns.go_live.astype("datetime64[D]"), code, names)
    coarse = columns.grid is not None and bool(columns.grid.months)
    default = 0 if coarse else LEARNING_DAYS
    return Question(
        kind=columns.kind,
        better=options.better or "higher",  # type: ignore[arg-type]
        at=columns.at,
        unit=code.reshape(-1).astype(np.int64),
        num=columns.num,
        den=columns.den,
        observed=columns.observed,
        go_live=go_live,
        as_of=columns.as_of,
        share=0.5 if options.quantile is None else options.quantile,
        is_time=options.end is not None,
        learning_days=default if options.learning_days is None else options.learning_days,
        period=options.period,  # type: ignore[arg-type]
        min_important_change=options.min_important,
        alpha_policy="single",
        covariates=columns.covariates,
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
    known["caveats"] = [*columns.caveats, *verdict.caveats]
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
        "better": options.better or "higher",
        "read_as": dict(columns.read_as),
    }
    return {name: _iso(value) for name, value in row.items()}


def _iso(value: Any) -> Any:
    return value.isoformat() if isinstance(value, (date, datetime)) else value
