"""COMMENTs of the tables that steps write to (`comments.yml`); those of models come from their own yml."""

from __future__ import annotations

from pathlib import Path

import duckdb
from pydantic import BaseModel, ConfigDict

from crmlift.sql_models import read_yaml
from crmlift.warehouse.store import literal, quoted

COMMENTS = Path(__file__).with_name("comments.yml")


class DescribedTable(BaseModel):
    """What a table means; columns: name → meaning and [unit]."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    description: str
    grain: tuple[str, ...]
    columns: dict[str, str]


def described_tables() -> dict[str, DescribedTable]:
    """Table → what the file says of it."""
    return {name: DescribedTable.model_validate(told) for name, told in read_yaml(COMMENTS).items()}


def describe_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Write the comments on every table and column of the file that exists here."""
    existing = set(
        connection.execute(
            "select schema_name || '.' || table_name, column_name from duckdb_columns() "
            "where database_name = current_database()"
        ).fetchall()
    )
    tables = {table for table, _ in existing}
    statements = []
    for table, told in described_tables().items():
        if table in tables:
            statements.append(f"comment on table {table} is {literal(told.description)}")
            statements += [
                f"comment on column {table}.{quoted(column)} is {literal(text)}"
                for column, text in told.columns.items()
                if (table, column) in existing
            ]
    connection.execute("; ".join(statements))
