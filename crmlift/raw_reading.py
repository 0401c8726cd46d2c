"""How staging reads raw tables: as they are or, where a column holds what core cannot take, with that column put right.

Three things core can rely on, each said here only:
- a moment lies where a company's records can lie, from 1990 to 30 years after the data; any other is unknown and told
  (`implausible_date`). Columns that say since or until when something holds are left alone (`validity:`);
- money is a decimal, whatever the column became when the source changed its type;
- ids in files that were copied from a Salesforce report have 18 characters, as those of its API.

A raw table keeps what its source says; only what is read of it differs, and only of tables that need it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import duckdb

from crmlift.quality import QualityFinding, record_findings
from crmlift.registry import kpis_beside, kpis_by_table
from crmlift.sql_models import Model
from crmlift.warehouse.core_columns import CoreColumns, columns_by_table
from crmlift.warehouse.record_ids import is_short_id, whole_id
from crmlift.warehouse.store import quoted
from crmlift.warehouse.typing import WIDE_MONEY

RULE = "implausible_date"
FIRST_YEAR, YEARS_AHEAD = 1990, 30
Bounds = tuple[str, ...]
IDS = frozenset({
    "id", "owner", "account", "contact", "lead", "opportunity", "ticket", "user", "manager", "parent", "response_id",
})  # fmt: skip
"""Columns of files that name records."""
INPUTS: Mapping[str, tuple[str, ...]] = {
    "cost_item": ("period_start", "period_end"),
    "quota": ("period_start", "period_end"),
    "forecast_submission": ("period_start", "period_end", "submitted_at", "submitted_date"),
    "legacy_kpi_period": ("period_start", "period_end"),
}
"""Tables of `raw_files` that become config tables without a staging model → their moments."""


@dataclass(frozen=True)
class Readings:
    """Raw table as SQL names it → the SELECT to read in its place."""

    sources: Mapping[str, str] = field(default_factory=dict)

    def of(self, table: str) -> str:
        """What to select from for a raw table."""
        return self.sources.get(table, table)


@dataclass(frozen=True)
class _Table:
    """A raw table as it is. kinds: column → database type; read: what core reads of it; models: that do."""

    schema: str
    name: str
    kinds: Mapping[str, str]
    read: CoreColumns

    @property
    def qualified(self) -> str:
        return f"{self.schema}.{quoted(self.name)}"

    def moments(self) -> dict[str, str]:
        """Column that is to hold a moment → SQL of it as one."""
        found = {}
        for name, kind in self.kinds.items():
            is_moment = (self.read.kind_of(name) or "").startswith(("date", "timestamp"))
            if is_moment and name.lower() not in self.read.validity:
                is_text = not kind.startswith(("DATE", "TIMESTAMP"))
                found[name] = f"try_cast({quoted(name)} as timestamptz)" if is_text else quoted(name)
        return found

    def money(self) -> list[str]:
        """Columns that are to hold money and are of another type."""
        return [
            name
            for name, kind in self.kinds.items()
            if self.read.kinds.get(name.lower(), "").startswith("decimal") and not kind.startswith("DECIMAL")
        ]


def read_raw(
    connection: duckdb.DuckDBPyConnection, models: Sequence[Model], *, as_of: datetime, run_id: str = ""
) -> Readings:
    """How to read each raw table tonight; dates outside the calendar become findings with the KPIs they weaken."""
    bounds = tuple(f"timestamptz '{year}-01-01 00:00:00+00'" for year in (FIRST_YEAR, as_of.year + YEARS_AHEAD))
    sources: dict[str, str] = {}
    findings: list[tuple[CoreColumns, QualityFinding]] = []
    for table in _tables(connection, models):
        put_right = {name: f"try_cast({quoted(name)} as {WIDE_MONEY})" for name in table.money()}
        put_right |= {name: whole_id(quoted(name)) for name in _short_ids(connection, table)}
        for name, moment in _implausible(connection, table, bounds).items():
            put_right[name] = f"case when {_is_plausible(moment, bounds)} then {quoted(name)} end"
            findings += [(table.read, found) for found in _findings(connection, table, name, moment, bounds)]
        if put_right:
            columns = ", ".join(f"{sql} as {quoted(name)}" for name, sql in put_right.items())
            select = f"(select * replace ({columns}) from {table.qualified})"
            sources |= dict.fromkeys((f"{table.schema}.{table.name}", table.qualified), select)
    record_findings(connection, _with_kpis(findings, models), [RULE], run_id=run_id, seen_at=as_of)
    return Readings(sources)


def _tables(connection: duckdb.DuckDBPyConnection, models: Sequence[Model]) -> Iterator[_Table]:
    """The raw tables that are there and that core reads."""
    read = columns_by_table((model.name, model.declared.model_dump()) for model in models)
    for name, columns in INPUTS.items():
        read[f"raw_files.{name}"] = CoreColumns(dict.fromkeys(columns, "date"), models={f"config.{name}"})
    found = connection.execute(
        "select schema_name, table_name, list(column_name order by column_index), "
        "list(data_type order by column_index) from duckdb_columns() where database_name = current_database() "
        "and starts_with(schema_name, 'raw_') group by all order by all"
    ).fetchall()
    for schema, name, columns, kinds in found:
        if of_table := read.get(f"{schema}.{name}".lower()):
            yield _Table(schema, name, dict(zip(columns, kinds, strict=True)), of_table)


def _short_ids(connection: duckdb.DuckDBPyConnection, table: _Table) -> list[str]:
    """Columns of files in which ids are in Salesforce's short form."""
    columns = [n for n, kind in table.kinds.items() if n in IDS and kind == "VARCHAR" and table.schema == "raw_files"]
    return _columns_with(connection, table, {name: is_short_id(quoted(name)) for name in columns})


def _implausible(connection: duckdb.DuckDBPyConnection, table: _Table, bounds: Bounds) -> dict[str, str]:
    """Columns that hold moments outside the bounds → SQL of the moment."""
    moments = table.moments()
    outside = {name: f"not ({_is_plausible(moment, bounds)})" for name, moment in moments.items()}
    return {name: moments[name] for name in _columns_with(connection, table, outside)}


def _columns_with(connection: duckdb.DuckDBPyConnection, table: _Table, tests: Mapping[str, str]) -> list[str]:
    """The columns for which the test holds in any row."""
    if not tests:
        return []
    found = connection.execute(
        f"select {', '.join(f'coalesce(bool_or({test}), false)' for test in tests.values())} from {table.qualified}"
    ).fetchone()
    return [name for name, holds in zip(tests, found or (), strict=True) if holds]


def _is_plausible(moment: str, bounds: Bounds) -> str:
    return f"{moment} >= {bounds[0]} and {moment} < {bounds[1]}"


def _findings(
    connection: duckdb.DuckDBPyConnection, table: _Table, column: str, moment: str, bounds: Bounds
) -> list[QualityFinding]:
    """One for each source whose live records have such moments."""
    key = next((name for name in table.kinds if name.lower() in ("id", *map(str.lower, table.read.kinds))), column)
    outside = f"not ({_is_plausible(moment, bounds)})"
    found = connection.execute(
        f"select _source_id, count(*) filter (where {outside}), count(*), "
        f"min({quoted(key)}::varchar, 5) filter (where {outside}) from {table.qualified} "
        "where not coalesce(_deleted, false) group by _source_id order by _source_id"
    ).fetchall()
    message = (
        f"Dates in {table.name}.{column} lie before {FIRST_YEAR} or more than {YEARS_AHEAD} years ahead; "
        "they are read as unknown, their records stay. Mend them in the source."
    )
    return [
        QualityFinding(RULE, "warning", table.name, column, source_id, message, failing, total, tuple(samples))
        for source_id, failing, total, samples in found
        if failing
    ]


def _with_kpis(found: Sequence[tuple[CoreColumns, QualityFinding]], models: Sequence[Model]) -> list[QualityFinding]:
    """The findings with the KPIs that are computed from their table."""
    if not found:
        return []
    affected = kpis_by_table(kpis_beside(models), models)
    return [
        replace(finding, affected_kpis=tuple(sorted({kpi for m in read.models for kpi in affected.get(m, ())})))
        for read, finding in found
    ]
