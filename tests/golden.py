"""Golden tests that are only files: a folder holds `given.<schema>.<table>.csv` and `expect.csv`.

An empty cell is NULL. Only the columns named in expect.csv are compared, whatever the order of rows. One database with
every raw, staging and core table, all empty, serves all folders; each test's rows are rolled back.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from crmlift.places import MODELS
from crmlift.sql_models import CORE, Model, load_models
from crmlift.sql_runner import prepare_raw, run_models
from crmlift.warehouse.store import TABLES, literal, quoted

AS_OF = datetime(2026, 11, 2, tzinfo=UTC)
PARAMETERS = {"as_of": AS_OF, "timezone": "Europe/Kyiv", "base_currency": "EUR", "salt": "pepper"}


def folders(root: Path) -> list[Path]:
    """Every folder below `root` that holds an expect.csv."""
    return sorted(path.parent for path in root.rglob("expect.csv"))


@cache
def models() -> list[Model]:
    """Staging and core."""
    return [m for m in load_models(MODELS) if m.layer <= CORE]


@cache
def _empty() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'; set threads = 1")
    connection.execute(TABLES.read_text(encoding="utf-8"))
    prepare_raw(connection, models())
    run_models(connection, models(), PARAMETERS, "empty")
    return connection


@contextmanager
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """The empty warehouse; whatever is written is rolled back."""
    connection = _empty()
    connection.begin()
    try:
        yield connection
    finally:
        connection.rollback()


def column_types(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """The columns of a table, in lower case, with their types."""
    found = connection.execute(
        "select lower(column_name), data_type from duckdb_columns() where schema_name || '.' || table_name = ?", [table]
    )
    return dict(found.fetchall())


def give(connection: duckdb.DuckDBPyConnection, folder: Path) -> list[str]:
    """Fill the tables a folder gives; returns their names."""
    given = []
    for path in sorted(folder.glob("given.*.csv")):
        _, schema, table, _ = path.name.split(".")
        source = f"read_csv({literal(str(path))}, all_varchar = true, header = true, nullstr = '', delim = ',')"
        kinds = column_types(connection, f"{schema}.{table}")
        names = [row[0] for row in connection.execute(f"describe select * from {source}").fetchall()]
        for name in names:
            if name.lower() not in kinds:  # such as HubSpot's one property a stage
                connection.execute(f"alter table {schema}.{quoted(table)} add column {quoted(name)} varchar")
        types = {name: kinds.get(name.lower(), "varchar") for name in names}
        cells = ", ".join(f"cast({quoted(name)} as {types[name]}) as {quoted(name)}" for name in names)
        connection.execute(f"create temp table given as select * from {source}")
        connection.execute(f"insert into {schema}.{quoted(table)} by name select {cells} from given; drop table given")
        given.append(f"{schema}.{table}")
    return given


def compare(connection: duckdb.DuckDBPyConnection, query: str, folder: Path, bound: dict[str, Any]) -> None:
    """Assert that a query gives what expect.csv says."""
    with (folder / "expect.csv").open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        header = next(reader)
        expected = [row for row in reader if row]
    columns = ", ".join(f"cast({quoted(name)} as varchar)" for name in header)
    found = connection.execute(f"select {columns} from ({query}) as result", bound).fetchall()
    have = sorted((["" if v is None else v for v in row] for row in found), key=_order)
    want = sorted(expected, key=_order)
    keys, wanted = [row[0] for row in have], [row[0] for row in want]
    assert keys == wanted, f"{header[0]}: {keys}, expected {wanted}"
    for have_row, want_row in zip(have, want, strict=True):
        for name, one, other in zip(header, have_row, want_row, strict=True):
            assert _same(one, other), f"{want_row[0]}: {name} is {one!r}, expected {other!r}"


def _order(row: list[str]) -> list[str]:
    return [_canonical(cell) for cell in row]


def _canonical(cell: str) -> str:
    try:
        return f"{float(cell):.6f}"
    except ValueError:
        return cell


def _same(one: str, other: str) -> bool:
    try:
        return math.isclose(float(one), float(other), rel_tol=1e-9, abs_tol=1e-9)
    except ValueError:
        return one == other
