"""The registry as a table, every version a definition ever had, and the values that older versions gave.

`metrics.kpi_value` holds the definitions in force only, so nobody mixes two by accident; when a definition changes,
what the old one gave moves to `metrics.kpi_value_superseded` with its version.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import duckdb

from crmlift.errors import ConfigurationFailure
from crmlift.registry import Kpi

REGISTERED = {
    "kpi_id": "varchar", "name_en": "varchar", "name_uk": "varchar", "question_en": "varchar",
    "question_uk": "varchar", "family": "varchar", "unit": "varchar", "direction": "varchar", "stat_type": "varchar",
    "formula": "varchar", "guard_kpi_id": "varchar", "factors": "varchar[]", "horizon_days": "double",
    "min_n": "integer", "min_important_change": "double", "owner": "varchar", "sources": "varchar[]",
    "definition_version": "varchar", "min_cell": "integer", "is_input": "boolean", "is_exact": "boolean",
    "no_effect": "varchar", "survey": "varchar", "parameters": "json", "sql": "varchar",
}  # fmt: skip
"""Columns of metrics.kpi this module fills → their type."""


def not_computed(kpi: Kpi, problem: duckdb.Error) -> ConfigurationFailure:
    """What people are told of a KPI whose query fails."""
    return ConfigurationFailure(
        f"KPI {kpi.kpi_id} could not be computed.",
        where=str(kpi.sql_path),
        why=str(problem).split("\n\n", 1)[0],
        saved="The values of the night before stay.",
        next_step="mend the SQL, then run  crmlift kpi check  and  crmlift measure",
    )


def base_currency(connection: duckdb.DuckDBPyConnection) -> str | None:
    """The currency amounts are told in, as the settings give it."""
    found = connection.execute("select value from config.setting where name = 'base_currency'").fetchone()
    return found[0] if found else None


def record_definitions(connection: duckdb.DuckDBPyConnection, kpis: Sequence[Kpi], as_of: datetime) -> None:
    """Fill metrics.kpi, note every version in metrics.kpi_definition, and set the values of changed ones aside."""
    rows = json.dumps([_row(kpi) for kpi in kpis], default=str)
    columns = ", ".join(f"cast(r ->> '{name}' as {kind}) as {name}" for name, kind in REGISTERED.items())
    connection.execute("delete from metrics.kpi")
    connection.execute(
        f"insert into metrics.kpi by name select {columns} from (select unnest(cast($rows as json[])) as r)",
        {"rows": rows},
    )
    connection.execute(
        "insert into metrics.kpi_definition by name select kpi_id, definition_version, stat_type, formula, parameters, "
        "sql, $as_of as first_used_at, $as_of as last_used_at from metrics.kpi "
        "on conflict (kpi_id, definition_version) do update set "
        "first_used_at = least(first_used_at, excluded.first_used_at), "
        "last_used_at = greatest(last_used_at, excluded.last_used_at)",
        {"as_of": as_of},
    )
    _set_aside(connection, as_of)


def _set_aside(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> None:
    """Move the values of definitions that are no longer in force; the newest values of a version replace older ones."""
    changed = connection.execute(
        "select distinct kpi_id, definition_version from metrics.kpi_value as v "
        "where not exists (from metrics.kpi as k "
        "where k.kpi_id = v.kpi_id and k.definition_version = v.definition_version)"
    ).fetchall()
    for kpi_id, version in changed:
        bound = {"kpi": kpi_id, "version": version}
        this = "where kpi_id = $kpi and definition_version = $version"
        connection.execute(f"delete from metrics.kpi_value_superseded {this}", bound)
        connection.execute(
            "insert into metrics.kpi_value_superseded by name "
            f"select *, cast($as_of as timestamptz) as superseded_at from metrics.kpi_value {this}",
            {**bound, "as_of": as_of},
        )
        connection.execute(f"delete from metrics.kpi_value {this}", bound)


def _row(kpi: Kpi) -> dict[str, Any]:
    d, names, questions = kpi.definition, kpi.names, kpi.questions
    return {
        "kpi_id": kpi.kpi_id, "name_en": names["en"], "name_uk": names["uk"], "question_en": questions["en"],
        "question_uk": questions["uk"], "family": d.family, "unit": d.unit, "direction": d.direction,
        "stat_type": d.stat_type, "formula": d.formula, "guard_kpi_id": d.guard, "factors": list(d.factors),
        "horizon_days": kpi.horizon_days, "min_n": d.min_n, "min_important_change": d.min_important_change,
        "owner": d.owner, "sources": list(d.sources), "definition_version": kpi.definition_version,
        "min_cell": d.min_cell, "is_input": d.is_input, "is_exact": d.is_exact, "no_effect": d.no_effect,
        "survey": d.survey, "parameters": kpi.params, "sql": kpi.sql,
    }  # fmt: skip
