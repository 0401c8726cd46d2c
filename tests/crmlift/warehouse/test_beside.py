"""Tables made beside those they replace: put in place, or dropped by the next step."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from crmlift.warehouse.beside import beside, drop_unfinished, put_in_place
from crmlift.warehouse.store import transaction, work_database


def tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    return {name for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()}


def test_a_table_takes_the_place_of_the_old_one() -> None:
    with duckdb.connect() as connection:
        connection.execute(f"create schema core; create table {beside('core.a')} as select 1 as id")
        put_in_place(connection, "core.a")
        connection.execute(f"create table {beside('core.a')} as select 2 as id")
        assert connection.execute("from core.a").fetchall() == [(1,)]
        put_in_place(connection, "core.a")
        assert connection.execute("from core.a").fetchall() == [(2,)]
        assert tables(connection) == {"a"}


def test_a_rolled_back_step_leaves_the_old_tables_and_the_next_one_drops_what_it_made(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with work_database(path) as connection:
        connection.execute("create table core.a as select 1 as id")
        connection.execute(f"create table {beside('core.a')} as select 2 as id")
        with pytest.raises(ZeroDivisionError), transaction(connection):
            put_in_place(connection, "core.a")
            raise ZeroDivisionError
    with work_database(path) as connection:
        assert connection.execute("from core.a").fetchall() == [(1,)]
        assert "__building_a" in tables(connection)
        drop_unfinished(connection)
        assert "__building_a" not in tables(connection)
        assert connection.execute("from core.a").fetchall() == [(1,)]
