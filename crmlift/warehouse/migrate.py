"""Warehouses made by an earlier version: tables whose primary key has changed or gone are made again, with their rows,
and columns of money that have become wider are widened.

New tables and columns need no help: tables.sql adds them by itself, at every start.
"""

from __future__ import annotations

import logging
import re
from functools import cache
from pathlib import Path

import duckdb

log = logging.getLogger(__name__)

_TABLE = re.compile(r"create table if not exists (\w+\.\w+) \((.*?)\);", re.DOTALL)
_MONEY = re.compile(r"\b(\w+) (decimal\(\d+, \d+\))")
_KEY = re.compile(r"primary key \(([^)]*)\)|\b(\w+) \w+ primary key")


def make_tables(connection: duckdb.DuckDBPyConnection, tables: Path) -> None:
    """Run tables.sql, after setting aside the rows of tables whose key is another one there; all or nothing.

    A row that does not tell a column of the new key has an empty text in it. Raises duckdb.ConstraintException when
    rows are the same by the new key; nothing is changed then.
    """
    outdated = _outdated(connection, tables)
    if not outdated:
        connection.execute(tables.read_text(encoding="utf-8"))
        _widen_money(connection, tables)
        return
    connection.begin()
    try:
        for number, table in enumerate(outdated):
            connection.execute(f"create temp table aside_{number} as from {table}; drop table {table}")
        connection.execute(tables.read_text(encoding="utf-8"))
        for number, (table, key) in enumerate(outdated.items()):
            _put_back(connection, f"aside_{number}", table, key)
        _widen_money(connection, tables)
    except BaseException:
        connection.rollback()
        raise
    connection.commit()
    log.info("event=migrate tables=%s", ",".join(outdated))


def _outdated(connection: duckdb.DuckDBPyConnection, tables: Path) -> dict[str, tuple[str, ...]]:
    """Tables that are there with another primary key than declared → the declared key."""
    found = connection.execute(
        "select schema_name || '.' || table_name, constraint_column_names from duckdb_constraints() "
        "where constraint_type = 'PRIMARY KEY'"
    ).fetchall()
    declared = _declared(tables)
    return {name: declared[name] for name, key in found if name in declared and set(declared[name]) != set(key)}


@cache
def _declared(tables: Path) -> dict[str, tuple[str, ...]]:
    """Every table → the columns of its key; none where it has no key."""
    keys: dict[str, tuple[str, ...]] = {}
    for name, columns in _TABLE.findall(tables.read_text(encoding="utf-8")):
        found = _KEY.search(columns)
        keys[name] = tuple(re.findall(r"\w+", found[1] or found[2])) if found else ()
    return keys


def _widen_money(connection: duckdb.DuckDBPyConnection, tables: Path) -> None:
    """Give columns of money the type that tables.sql declares; asked of the catalogue, which costs nothing."""
    present = dict(
        connection.execute(
            "select schema_name || '.' || table_name || '.' || column_name, data_type from duckdb_columns() "
            "where database_name = current_database() and starts_with(data_type, 'DECIMAL')"
        ).fetchall()
    )
    for table, columns in _TABLE.findall(tables.read_text(encoding="utf-8")):
        for column, kind in _MONEY.findall(columns):
            if present.get(f"{table}.{column}") != kind.upper().replace(" ", ""):
                connection.execute(f"alter table {table} alter {column} type {kind}")


def _put_back(connection: duckdb.DuckDBPyConnection, aside: str, table: str, key: tuple[str, ...]) -> None:
    kept = {row[0] for row in connection.execute(f"describe {aside}").fetchall()}
    kinds = {row[0]: row[1] for row in connection.execute(f"describe {table}").fetchall()}
    cells = {
        name: f"coalesce({name}, '')" if name in key and kinds[name] == "VARCHAR" else name
        for name in kinds
        if name in kept
    }
    connection.execute(
        f"insert into {table} ({', '.join(cells)}) select {', '.join(cells.values())} from {aside}; drop table {aside}"
    )
