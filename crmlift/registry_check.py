"""Whether the registry holds: contract columns and their types, references, parameters, grains and grants to read."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from sqlglot import exp

from crmlift.alerts.rules import wrong_rule
from crmlift.registry import CONTRACT, DERIVED, ENGINE_PARAMETERS, OPTIONAL, Kpi, names_in
from crmlift.sql_models import CORE, Model
from crmlift.sql_runner import prepare_raw, run_models
from crmlift.warehouse.store import TABLES, literal

READABLE = ("core", "config")
MODEL_READABLE = (*READABLE, "metrics", "evaluation")
LEDGERS = ("ops.run", "core.opportunity_snapshot")
"""Tables that steps write, which KPIs may read though no model makes them."""
_TYPES = {
    "unit_id": ("VARCHAR",),
    "num": ("DOUBLE", "DECIMAL", "INTEGER", "BIGINT"),
    "den": ("DOUBLE", "DECIMAL", "INTEGER", "BIGINT"),
    "event_at": ("TIMESTAMP WITH TIME ZONE",),
    "observed": ("BOOLEAN",),
    "provisioned_at": ("TIMESTAMP WITH TIME ZONE",),
    "cause": ("VARCHAR",),
}
_NUMBERS = {"amount_base": ("DOUBLE", "DECIMAL")}
SAMPLE = {"as_of": datetime(2026, 1, 5, tzinfo=UTC), "timezone": "UTC", "base_currency": "EUR"}


@contextmanager
def core_tables(warehouse: Path, models: Sequence[Model]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with core tables: those of the warehouse if there is one that nobody writes, else empty ones."""
    connection = None
    if warehouse.exists():
        try:
            connection = duckdb.connect(str(warehouse), read_only=True)
        except duckdb.IOException:
            connection = None  # a night is running: empty tables tell the types as well
    if connection is None:
        connection = duckdb.connect()
        connection.execute(TABLES.read_text(encoding="utf-8"))
        below = [m for m in models if m.layer <= CORE]
        prepare_raw(connection, below)
        run_models(connection, below, {**SAMPLE, "salt": ""}, "check")
    try:
        connection.execute("set TimeZone = 'UTC'")
        yield connection
    finally:
        connection.close()


def check_registry(
    kpis: Sequence[Kpi], models: Sequence[Model], connection: duckdb.DuckDBPyConnection | None = None
) -> list[str]:
    """What is wrong with the registry, one line each; empty when all is well.

    Contract columns in order, guards, a horizon that is a number, segment columns, parameters, tables, alert rules.
    With a connection whose core tables exist, each query is also prepared, its column types are compared with the
    contract, and its unit_id must be unique.
    """
    known, inputs = {k.kpi_id for k in kpis}, {k.kpi_id for k in kpis if k.definition.is_input}
    made = {m.name for m in models}
    problems = []
    for kpi in kpis:
        found = [*_wrong_kind(kpi), *_wrong_columns(kpi), *_wrong_references(kpi, known, made)]
        found += wrong_rule(kpi.definition.alert, kpi.definition.stat_type)
        if kpi.definition.guard in inputs:
            found.append(f"its guard {kpi.definition.guard} is a part of composites only, which nobody is shown")
        if connection is not None and not found and kpi.tree is not None:
            found += _wrong_types(kpi, connection)
        problems += [f"{kpi.kpi_id}: {text}" for text in found]
    return problems


def _wrong_kind(kpi: Kpi) -> list[str]:
    """What its statistical type asks for, and what it forbids."""
    d = kpi.definition
    problems = []
    if (d.stat_type == "composite") != bool(d.expr):
        problems.append("a composite, and only a composite, has an expr")
    if (d.stat_type == "model") != bool(d.function):
        problems.append("a model, and only a model, names a function")
    if d.stat_type in DERIVED and d.no_effect is None:
        problems.append(f"a {d.stat_type} has no effect of its own: give no_effect")
    if d.stat_type.startswith("snapshot") and d.no_effect is None:
        problems.append("a snapshot is no flow whose change can be judged: give no_effect: snapshot")
    if d.function and not callable(_function(d.function)):
        problems.append(f"metrics has no function {d.function}")
    if d.stat_type == "composite":
        unknown = [name for name in names_in(d.expr) if name not in kpi.parts and name not in kpi.params]
        problems += [f"its expr names {name}, which is no KPI and no parameter" for name in unknown]
        for part, own in kpi.parts.items():
            missing = [s for s in d.segments if s not in own.definition.segments]
            problems += [f"its part {part} is not split by {s}, as it is" for s in missing]
    return problems


def _function(name: str) -> object:
    module, _, function = name.rpartition(".")
    try:
        return getattr(importlib.import_module(f"metrics.{module}"), function, None)
    except ImportError:
        return None


def _wrong_columns(kpi: Kpi) -> list[str]:
    if kpi.tree is None:
        return []
    selected = kpi.columns
    problems = []
    if any(isinstance(s.unalias(), exp.Star) for s in kpi.tree.selects):
        problems.append("its SQL selects *; name the columns")
    if kpi.definition.stat_type == "model":
        return problems
    if selected[: len(CONTRACT)] != CONTRACT:
        problems.append(f"its SQL must select {', '.join(CONTRACT)} first, in this order")
    extra = set(selected[len(CONTRACT) :]) - set(OPTIONAL)
    problems += [f"segment {s} is not a column of its SQL" for s in kpi.own_segments if s not in extra]
    problems += [f"column {c} is not listed in segments" for c in sorted(extra - set(kpi.own_segments))]
    bands = (("size_band", "amount_base"), ("tenure_band", "provisioned_at"), ("industry", "account_id"))
    for segment, column in bands:
        if segment in kpi.definition.segments and column not in selected:
            problems.append(f"segment {segment} needs the column {column}")
    return problems


def _wrong_references(kpi: Kpi, known: set[str], made: set[str]) -> list[str]:
    d = kpi.definition
    problems = []
    if d.guard is not None and d.guard not in known:
        problems.append(f"its guard {d.guard} is no KPI")
    if d.guard == kpi.kpi_id:
        problems.append("it is its own guard")
    problems += [f"its factor {f} is no KPI" for f in d.factors if f not in known]
    if d.horizon_days is not None and kpi.horizon_days is None:
        problems.append(f"its horizon names {d.horizon_days}, which is no parameter of it")
    if kpi.tree is not None:
        unknown = kpi.parameters - set(kpi.params) - set(ENGINE_PARAMETERS)
        problems += [f"parameter ${p} is given by nobody" for p in sorted(unknown)]
        if d.stat_type != "model":
            problems += [f"parameter {p} is not used by its SQL" for p in kpi.params if p not in kpi.parameters]
    else:
        problems += [f"parameter {p} is not used by its expr" for p in kpi.params if p not in names_in(d.expr)]
    return problems + _wrong_reads(kpi, made)


def _wrong_reads(kpi: Kpi, made: set[str]) -> list[str]:
    is_model = kpi.definition.stat_type == "model"
    problems = []
    for table in sorted(kpi.reads - set(LEDGERS)):
        schema = table.partition(".")[0]
        if schema == "core" and table not in made:
            problems.append(f"it reads {table}, which no model makes")
        elif schema not in (MODEL_READABLE if is_model else READABLE):
            problems.append(f"it reads {table}; a KPI reads core and config only")
        elif schema == "evaluation" and kpi.definition.after != "evaluate":
            problems.append(f"it reads {table}, which is made later: give after: evaluate")
    return problems


def _wrong_types(kpi: Kpi, connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Column types, and that unit_id is the grain, on whatever rows the connection has."""
    bound: dict[str, Any] = kpi.bound(SAMPLE)
    try:
        described = connection.execute(f"describe {kpi.sql}", bound).fetchall()
        if kpi.definition.stat_type == "model":
            return []
        repeated = connection.execute(
            f"select unit_id, count(*) from ({kpi.sql}) as u group by unit_id having count(*) > 1 order by all limit 1",
            bound,
        ).fetchone()
    except duckdb.Error as problem:
        return [f"its SQL does not run: {str(problem).splitlines()[0]}"]
    types = {row[0]: row[1] for row in described}
    wanted = {c: t for c, t in {**_TYPES, **_NUMBERS}.items() if c in types}
    problems = [f"column {c} is {types[c]}, not {t[0]}" for c, t in wanted.items() if not types[c].startswith(t)]
    if repeated:
        problems.append(f"its unit_id is not unique: {literal(str(repeated[0]))} comes {repeated[1]} times")
    return problems
