"""Runs the models: each becomes a view or a table, its grain and its declared checks hold, its columns are described.

A table is built beside the old one and takes its place only when the checks of all of them hold.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import duckdb

from crmlift.errors import ConfigurationFailure, DataCheckFailure
from crmlift.quality import QualityFinding, record_findings
from crmlift.raw_tables import prepare_raw
from crmlift.registry import kpis_beside, kpis_by_table
from crmlift.sql_models import CORE, Check, Lineage, Model, check_models, in_order, lineage, load_models
from crmlift.warehouse.beside import beside, put_in_place
from crmlift.warehouse.store import literal, quoted

__all__ = [
    "CORE", "Built", "Lineage", "Model", "ModelResult", "build_models", "check_models", "lineage", "load_models",
    "place_models", "prepare_raw", "run_models",
]  # fmt: skip

Progress = Callable[[str, int, int], None]
_SAMPLE = 5


@dataclass(frozen=True)
class ModelResult:
    """A model that was run. rows is None for views; warnings are the names of `warn` checks that did not hold."""

    name: str
    rows: int | None
    seconds: float
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Built:
    """Models that stand beside the tables they are to replace. findings, rules: of their `warn` checks."""

    models: Sequence[Model]
    results: Sequence[ModelResult]
    findings: Sequence[QualityFinding]
    rules: Sequence[str]


def run_models(
    connection: duckdb.DuckDBPyConnection,
    models: Sequence[Model],
    parameters: Mapping[str, Any],
    run_id: str,
    progress: Progress | None = None,
    *,
    run_by: str = "",
) -> Sequence[ModelResult]:
    """Build these models and put them in place; what is kept is for the caller's transaction, if there is one."""
    built = build_models(connection, models, parameters, progress, run_by=run_by)
    place_models(connection, built, run_id, parameters.get("as_of"))
    return built.results


def build_models(
    connection: duckdb.DuckDBPyConnection,
    models: Sequence[Model],
    parameters: Mapping[str, Any],
    progress: Progress | None = None,
    *,
    run_by: str = "",
    sources: Mapping[str, str] | None = None,
) -> Built:
    """Build these models in order beside what is there; those declared `run_by` another step are left out.

    `parameters`: as_of, timezone, base_currency, salt; each file is given what it uses. `progress(name, done, total)`
    is called before each model. `sources`: raw table → what staging reads in its place (`raw_reading`). Raises
    DataCheckFailure when a grain or a `fail` check is broken, ConfigurationFailure when a file cannot be run; nothing
    is in place then. Large tables are read much faster outside a transaction.
    """
    wanted = [m for m in in_order(models) if m.declared.run_by == run_by]
    results: list[ModelResult] = []
    findings: list[QualityFinding] = []
    reading = dict(sources or {})
    for done, model in enumerate(wanted):
        if progress:
            progress(model.name, done, len(wanted))
        result, found = _build(connection, model, parameters, reading)
        results.append(result)
        findings += found
        if not model.is_view:
            reading[model.name] = beside(model.name)
    if findings:
        affected = kpis_by_table(kpis_beside(models), models)
        findings = [replace(f, affected_kpis=affected.get(f.object, ())) for f in findings]
    rules = [_rule_id(m, check) for m in wanted for check in m.declared.checks if check.level == "warn"]
    return Built(wanted, results, findings, rules)


def place_models(connection: duckdb.DuckDBPyConnection, built: Built, run_id: str, seen_at: datetime | None) -> None:
    """Let the tables that were built take their places, described, and record what their checks found."""
    for model in built.models:
        if not model.is_view:
            put_in_place(connection, model.name)
        _describe(connection, model)
    record_findings(connection, built.findings, built.rules, run_id=run_id, seen_at=seen_at or datetime.now(UTC))


def _build(
    connection: duckdb.DuckDBPyConnection, model: Model, parameters: Mapping[str, Any], reading: Mapping[str, str]
) -> tuple[ModelResult, list[QualityFinding]]:
    started = time.perf_counter()
    bound = {name: parameters[name] for name in model.parameters if name in parameters}
    if missing := model.parameters - bound.keys():
        raise ConfigurationFailure(
            "A model uses parameters that nobody gives.", where=f"{model.path}: {', '.join(sorted(missing))}",
            next_step="use as_of, timezone, base_currency or salt",
        )  # fmt: skip
    connection.execute(f"create schema if not exists {model.schema}")
    rows, findings = None, []
    try:
        if model.is_view:
            connection.execute(f"create or replace view {_quoted_name(model)} as {_reading(model.sql, reading)}")
        else:
            building = beside(model.name)
            connection.execute(f"create or replace table {building} as {_reading(model.sql, reading)}", bound)
            rows = _count(connection, building)
            _check_grain(connection, model, building)
            findings = _run_checks(connection, model, building, rows)
    except duckdb.Error as problem:
        raise ConfigurationFailure(
            f"{model.name} could not be built.", where=str(model.path), why=str(problem).split("\n\n", 1)[0],
            saved="The tables are as they were before the step.",
            next_step="mend the SQL, then run  crmlift sql check  and  crmlift transform",
        ) from None  # fmt: skip
    broken = tuple(f.rule_id.partition(".")[2] for f in findings)
    return ModelResult(model.name, rows, time.perf_counter() - started, broken), findings


def _reading(sql: str, instead: Mapping[str, str]) -> str:
    """The query, reading something else in the place of these tables."""
    if not instead:
        return sql
    names = "|".join(map(re.escape, instead))
    return re.sub(rf"(?<![\w.'\"])({names})(?![\w.'\"])", lambda found: instead[found[1]], sql)


def _quoted_name(model: Model) -> str:
    return f"{model.schema}.{quoted(model.name.partition('.')[2])}"


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    found = connection.execute(f"select count(*) from {table}").fetchone()
    return int(found[0]) if found else 0


def _check_grain(connection: duckdb.DuckDBPyConnection, model: Model, table: str) -> None:
    keys = [quoted(key) for key in model.declared.grain]
    if not keys:
        return
    listed, any_null = ", ".join(keys), " or ".join(f"{key} is null" for key in keys)
    # hashes are counted in half the time; where two keys have the same, the keys themselves decide
    sure = connection.execute(
        f"select count(*) = count(distinct hash({listed})) and not coalesce(bool_or({any_null}), false) from {table}"
    ).fetchone()
    if sure and sure[0]:
        return
    broken = connection.execute(
        f"select {listed}, count(*) as rows_with_key, count(*) over () as broken_keys from {table} group by {listed} "
        f"having count(*) > 1 or {any_null} order by rows_with_key desc limit {_SAMPLE}"
    ).fetchall()
    if broken:
        samples = ", ".join(f"{_key(row[:-2])} ×{row[-2]}" for row in broken)
        raise _failure(model, "grain", broken[0][-1], f"Keys that are empty or occur more than once: {samples}.")


def _run_checks(connection: duckdb.DuckDBPyConnection, model: Model, table: str, rows: int) -> list[QualityFinding]:
    findings = []
    for check in model.declared.checks:
        failing, samples = _broken(connection, model, check, table, rows)
        if not failing:
            continue
        if check.level == "fail":
            raise _failure(model, check.name, failing, f"For example {', '.join(samples)}." if samples else "")
        message = f"{failing} rows of {model.name} break the rule {check.name}."
        findings.append(
            QualityFinding(
                _rule_id(model, check),
                "warning",
                model.name,
                check.field,
                None,
                message,
                failing,
                rows,
                tuple(samples),
            )
        )
    return findings


def _broken(
    connection: duckdb.DuckDBPyConnection, model: Model, check: Check, table: str, rows: int
) -> tuple[int, list[str]]:
    """How many rows break a check, and some of their keys. For `rows_equal` the difference in rows."""
    if check.rows_equal is not None:
        found = connection.execute(
            f"select (select count(*) from {table} where {check.where}), {check.rows_equal}"
        ).fetchall()
        have, expected = found[0]
        return abs(have - expected), [f"{have} rows instead of {expected}"] if have != expected else []
    keys = ", ".join(quoted(key) for key in model.declared.grain) or "1"
    broken = connection.execute(
        f"select {keys}, count(*) over () as failing from {table} where {check.failing_rows} limit {_SAMPLE}"
    ).fetchall()
    return (int(broken[0][-1]) if broken else 0), [_key(row[:-1]) for row in broken]


def _failure(model: Model, check: str, count: int, why: str) -> DataCheckFailure:
    unit = "key" if check == "grain" else "row"
    return DataCheckFailure(
        f"{model.name} breaks its check {check}: {count} {unit}{'s' if count != 1 else ''}.",
        where=str(model.path.with_suffix(".yml")),
        why=why,
        saved="The tables are as they were before the step.",
        next_step=f"crmlift sql show {model.name}  prints the query; look up these keys in the source",
    )


def _key(values: Sequence[Any]) -> str:
    return " | ".join("NULL" if value is None else str(value) for value in values)


def _rule_id(model: Model, check: Check) -> str:
    return f"{model.name.partition('.')[2]}.{check.name}"


def _describe(connection: duckdb.DuckDBPyConnection, model: Model) -> None:
    """COMMENTs on the table and its columns, so every database tool shows meaning and unit."""
    kind, name = "view" if model.is_view else "table", _quoted_name(model)
    statements = [f"comment on {kind} {name} is {literal(model.declared.description)}"]
    for column, (meaning, unit) in model.columns.items():
        text = f"{meaning} [{unit}]" if unit else meaning
        statements.append(f"comment on column {name}.{quoted(column)} is {literal(text)}")
    connection.execute("; ".join(statements))
