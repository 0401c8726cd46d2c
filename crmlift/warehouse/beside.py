"""Tables made beside those they are to replace.

They are committed one by one, because the database reads what a transaction has not committed yet with one core only;
all take their places in one short transaction at the end. What a run that died left behind is dropped by the next.
"""

from __future__ import annotations

import duckdb

from crmlift.warehouse.store import quoted

_PREFIX = "__building_"


def beside(table: str) -> str:
    """The quoted name under which `<schema>.<table>` is made."""
    schema, _, name = table.partition(".")
    return f"{schema}.{quoted(_PREFIX + name)}"


def put_in_place(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Replace a table by the one made beside it, in the caller's transaction."""
    schema, _, name = table.partition(".")
    connection.execute(
        f"drop table if exists {schema}.{quoted(name)}; alter table {beside(table)} rename to {quoted(name)}"
    )


def drop_unfinished(connection: duckdb.DuckDBPyConnection) -> None:
    """Drop what was made and never put in place."""
    left = connection.execute(
        "select schema_name, table_name from duckdb_tables() "
        "where database_name = current_database() and starts_with(table_name, $prefix)",
        {"prefix": _PREFIX},
    ).fetchall()
    for schema, name in left:
        connection.execute(f"drop table {schema}.{quoted(name)}")
