"""Runs the models: each becomes a view or a table, its grain and its declared checks hold, its columns are described.

A table is built beside the old one and takes its place only when its checks hold, inside the caller's transaction.
"""

from __future__ import annotations

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
from crmlift.warehouse.store import literal, quoted

__all__ = [
    "CORE", "Lineage", "Model", "ModelResult", "check_models", "lineage", "load_models", "prepare_raw", "run_models",
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


def run_models(
    connection: duckdb.DuckDBPyConnection,
    models: Sequence[Model],
    parameters: Mapping[str, Any],
    run_id: str,
    progress: Progress | None = None,
    *,
    run_by: str = "",
) -> list[ModelResult]:
    """Build these models in order; those declared `run_by` another step are left out.

    `parameters`: as_of, timezone, base_currency, salt; each file is given what it uses. `progress(name, done, total)`
    is called before each model. Raises DataCheckFailure when a grain or a `fail` check is broken, ConfigurationFailure
    when a file cannot be run; the caller's transaction decides what is kept.
    """
    wanted = [m for m in in_order(models) if m.declared.run_by == run_by]
    results, findings, rules = [], [], []
    for done, model in enumerate(wanted):
        if progress:
            progress(model.name, done, len(wanted))
        result, found = _run(connection, model, parameters)
        results.append(result)
        findings += found
        rules += [_rule_id(model, check) for check in model.declared.checks if check.level == "warn"]
    if findings:
        affected = kpis_by_table(kpis_beside(models), models)
        findings = [replace(f, affected_kpis=affected.get(f.object, ())) for f in findings]
    seen_at = parameters.get("as_of") or datetime.now(UTC)
    record_findings(connection, findings, rules, run_id=run_id, seen_at=seen_at)
    return results


def _run(
    connection: duckdb.DuckDBPyConnection, model: Model, parameters: Mapping[str, Any]
) -> tuple[ModelResult, list[QualityFinding]]:
    started = time.perf_counter()
    bound = {name: parameters[name] for name in model.parameters if name in parameters}
    if missing := model.parameters - bound.keys():
        raise ConfigurationFailure(
            "A model uses parameters that nobody gives.", where=f"{model.path}: {', '.join(sorted(missing))}",
            next_step="use as_of, timezone, base_currency or salt",
        )  # fmt: skip
    schema, _, name = model.name.partition(".")
    target, building = f"{schema}.{quoted(name)}", f"{schema}.{quoted('__building_' + name)}"
    connection.execute(f"create schema if not exists {schema}")
    rows, findings = None, []
    try:
        if model.is_view:
            connection.execute(f"create or replace view {target} as {model.sql}")
        else:
            connection.execute(f"create or replace table {building} as {model.sql}", bound)
            rows = _count(connection, building)
            _check_grain(connection, model, building)
            findings = _run_checks(connection, model, building, rows)
            connection.execute(f"drop table if exists {target}; alter table {building} rename to {quoted(name)}")
        _describe(connection, model, target)
    except duckdb.Error as problem:
        raise ConfigurationFailure(
            f"{model.name} could not be built.", where=str(model.path), why=str(problem).split("\n\n", 1)[0],
            saved="The tables are as they were before the step.",
            next_step="mend the SQL, then run  crmlift sql check  and  crmlift transform",
        ) from None  # fmt: skip
    broken = tuple(f.rule_id.partition(".")[2] for f in findings)
    return ModelResult(model.name, rows, time.perf_counter() - started, broken), findings


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    found = connection.execute(f"select count(*) from {table}").fetchone()
    return int(found[0]) if found else 0


def _check_grain(connection: duckdb.DuckDBPyConnection, model: Model, table: str) -> None:
    keys = [quoted(key) for key in model.declared.grain]
    if not keys:
        return
    listed, any_null = ", ".join(keys), " or ".join(f"{key} is null" for key in keys)
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
        saved="Nothing of the step was committed.",
        next_step=f"crmlift sql show {model.name}  prints the query; look up these keys in the source",
    )


def _key(values: Sequence[Any]) -> str:
    return " | ".join("NULL" if value is None else str(value) for value in values)


def _rule_id(model: Model, check: Check) -> str:
    return f"{model.name.partition('.')[2]}.{check.name}"


def _describe(connection: duckdb.DuckDBPyConnection, model: Model, target: str) -> None:
    """COMMENTs on the table and its columns, so every database tool shows meaning and unit."""
    kind = "view" if model.is_view else "table"
    statements = [f"comment on {kind} {target} is {literal(model.declared.description)}"]
    for column, (meaning, unit) in model.columns.items():
        text = f"{meaning} [{unit}]" if unit else meaning
        statements.append(f"comment on column {target}.{quoted(column)} is {literal(text)}")
    connection.execute("; ".join(statements))
