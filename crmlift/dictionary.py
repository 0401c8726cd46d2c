"""docs/data-dictionary.md: every published table and column, from the same words as their COMMENTs.

The tables are made empty in memory from tables.sql and the models, so types and columns are those of the real ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import duckdb

from crmlift.measure import measure
from crmlift.places import MODELS
from crmlift.sql_models import CORE, EVALUATION, Model, load_models
from crmlift.sql_runner import prepare_raw, run_models
from crmlift.warehouse.describe import describe_tables, described_tables
from crmlift.warehouse.publish import NOT_PUBLISHED, PUBLISHED_SCHEMAS
from crmlift.warehouse.store import TABLES

SCHEMAS = {
    "core": "Records of all sources on one contract. Every key begins with its `source_id`.",
    "config": "What people bring along: settings, rollouts, goals, costs, benchmarks.",
    "metrics": "KPIs: what they mean and what they are in every period.",
    "evaluation": "Before and after: effects with intervals, and verdicts.",
    "ops": "How the nights went, what is wrong with the data, who was told.",
}
HEAD = """# Data dictionary

Every table and column of `analytics.duckdb`. Made by `crmlift sql dictionary` from the same words as the COMMENTs in
the database; change them in the yml beside a model in `transforms/`, or in `crmlift/warehouse/comments.yml`, then run
`crmlift sql dictionary --write docs/data-dictionary.md`.

Instants are UTC; a `_date` or `_on` is a local day. Money in `_base` is in the company's currency, in `_native` in that
of `currency_code`. Unknown is NULL, never 0. `is_deleted` rows stay, flagged. Units are in brackets.
"""


def dictionary() -> str:
    """The page as Markdown."""
    models = load_models(MODELS)
    with duckdb.connect() as connection:
        make_empty(connection, models)
        tables = connection.execute(
            "select schema_name, table_name, comment from duckdb_tables() "
            "where list_contains(?, schema_name) order by all",
            [list(PUBLISHED_SCHEMAS)],
        ).fetchall()
        columns = connection.execute(
            "select schema_name || '.' || table_name, column_name, data_type, coalesce(comment, '') "
            "from duckdb_columns() where list_contains(?, schema_name) order by 1, column_index",
            [list(PUBLISHED_SCHEMAS)],
        ).fetchall()
    by_table: dict[str, list[Sequence[str]]] = {}
    for table, *column in columns:
        by_table.setdefault(table, []).append(column)
    grains = _grains(models)
    lines = [HEAD]
    for schema, meaning in SCHEMAS.items():
        lines.append(f"## {schema}\n\n{meaning}\n")
        for table_schema, name, comment in tables:
            if table_schema == schema and (schema, name) not in NOT_PUBLISHED:
                lines.append(_section(f"{schema}.{name}", comment, by_table[f"{schema}.{name}"], grains))
    return "\n".join(lines)


def make_empty(connection: duckdb.DuckDBPyConnection, models: Sequence[Model]) -> None:
    """Every table of a warehouse, without rows, described."""
    as_of = datetime(2026, 11, 2, tzinfo=UTC)
    parameters = {"as_of": as_of, "timezone": "UTC", "base_currency": "EUR", "salt": ""}
    connection.execute("set TimeZone = 'UTC'")
    connection.execute(TABLES.read_text(encoding="utf-8"))
    prepare_raw(connection, models)
    run_models(connection, [m for m in models if m.layer <= CORE], parameters, "empty")
    measure(connection, [], as_of=as_of, timezone="UTC", run_id="empty")
    run_models(connection, [m for m in models if m.layer == EVALUATION], parameters, "empty")
    describe_tables(connection)


def _grains(models: Sequence[Model]) -> dict[str, Sequence[str]]:
    told: dict[str, Sequence[str]] = {m.name: m.declared.grain for m in models}
    return told | {table: described.grain for table, described in described_tables().items()}


def _section(
    table: str, comment: str | None, columns: Sequence[Sequence[str]], grains: Mapping[str, Sequence[str]]
) -> str:
    grain = grains.get(table, ())
    head = f"### {table}\n\n{comment or ''}. " + (f"One row per {', '.join(f'`{g}`' for g in grain)}." if grain else "")
    rows = [f"| `{name}` | {kind} | {text.replace('|', '/')} |" for name, kind, text in columns]
    return "\n".join([head.strip(), "", "| column | type | meaning |", "|---|---|---|", *rows, ""])
