"""A finished, closed copy takes the place of `analytics.duckdb`: readers never wait and never see half a night."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from connectors.landing_files import sync_folder
from crmlift.errors import WarehouseFailure
from crmlift.warehouse.describe import describe_tables
from crmlift.warehouse.store import READABLE_SINCE, literal, quoted

PUBLISHED_SCHEMAS = ("core", "config", "metrics", "evaluation", "ops")
NOT_PUBLISHED = {
    ("metrics", "kpi_unit"), ("metrics", "kpi_segment_set"), ("metrics", "kpi_cell"), ("metrics", "kpi_cluster"),
    ("metrics", "kpi_median"), ("metrics", "kpi_way"), ("ops", "outbox"), ("ops", "cursor"),
}  # fmt: skip
"""Work tables: rows of single deals and people, cells too small to be shown, and messages."""
PERSONAL_COLUMNS = {("core", "app_user"): ("full_name",)}


@dataclass(frozen=True)
class Published:
    """What was put in place."""

    path: Path
    tables: int
    bytes: int


@dataclass(frozen=True)
class RawTable:
    """A raw table to publish: rows of these sources, without the personal columns."""

    schema: str
    table: str
    personal: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()


def publish(
    connection: duckdb.DuckDBPyConnection, target: Path, *, with_user_names: bool, raw: Sequence[RawTable] = ()
) -> Published:
    """Copy the published schemas with their comments into a new file and replace `target` by it.

    with_user_names: keep names of employees; they are NULL otherwise. raw: tables of sources to publish beside them.
    Raises WarehouseFailure when the folder cannot be written; the old copy then stays.
    """
    fresh = target.with_name(f".{target.name}.{os.getpid()}.new")
    _remove(fresh)
    try:
        connection.execute(f"attach {literal(str(fresh))} as publication (storage_version '{READABLE_SINCE}')")
        try:
            describe_tables(connection)
            tables = _copy(connection, hide=() if with_user_names else tuple(PERSONAL_COLUMNS.items()))
            tables += _copy_raw(connection, raw)
        finally:
            connection.execute("detach publication")
        with fresh.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(fresh, target)
        sync_folder(target.parent)
    except (OSError, duckdb.IOException) as problem:
        raise WarehouseFailure(
            "The published copy could not be written.", where=str(target), why=str(problem).splitlines()[0],
            saved="The copy of the night before stays in place.",
            next_step="free space or mend the permissions, then  crmlift publish",
        ) from None  # fmt: skip
    finally:
        _remove(fresh)
    return Published(target, tables, target.stat().st_size)


def _copy(connection: duckdb.DuckDBPyConnection, hide: Sequence[tuple[tuple[str, str], tuple[str, ...]]]) -> int:
    hidden = dict(hide)
    tables = connection.execute(
        "select schema_name, table_name, comment from duckdb_tables() "
        "where database_name = current_database() and list_contains(?, schema_name) and not temporary "
        "order by all",
        [list(PUBLISHED_SCHEMAS)],
    ).fetchall()
    copied = 0
    for schema in PUBLISHED_SCHEMAS:
        connection.execute(f"create schema if not exists publication.{schema}")
    for schema, table, comment in tables:
        if (schema, table) in NOT_PUBLISHED:
            continue
        name = f"{quoted(schema)}.{quoted(table)}"
        replace = ", ".join(f"null::varchar as {c}" for c in hidden.get((schema, table), ()))
        star = f"* replace ({replace})" if replace else "*"
        connection.execute(f"create table publication.{name} as select {star} from {name}")
        _comment(connection, schema, table, comment)
        copied += 1
    return copied


def _copy_raw(connection: duckdb.DuckDBPyConnection, raw: Sequence[RawTable]) -> int:
    copied = 0
    for one in raw:
        columns = connection.execute(
            "select column_name from duckdb_columns() where database_name = current_database() and schema_name = ? "
            "and table_name = ? order by column_index",
            [one.schema, one.table],
        ).fetchall()
        shown = [quoted(name) for (name,) in columns if name not in one.personal]
        if not shown:
            continue
        name = f"{quoted(one.schema)}.{quoted(one.table)}"
        connection.execute(f"create schema if not exists publication.{quoted(one.schema)}")
        connection.execute(
            f"create table publication.{name} as select {', '.join(shown)} from {name} "
            f"where _source_id in ({', '.join(map(literal, sorted(one.sources)))})"
        )
        copied += 1
    return copied


def _comment(connection: duckdb.DuckDBPyConnection, schema: str, table: str, comment: str | None) -> None:
    name = f"publication.{quoted(schema)}.{quoted(table)}"
    if comment:
        connection.execute(f"comment on table {name} is {literal(comment)}")
    columns = connection.execute(
        "select column_name, comment from duckdb_columns() where database_name = current_database() "
        "and schema_name = ? and table_name = ? and comment is not null",
        [schema, table],
    ).fetchall()
    for column, text in columns:
        connection.execute(f"comment on column {name}.{quoted(column)} is {literal(text)}")


def _remove(path: Path) -> None:
    for leftover in (path, path.with_name(path.name + ".wal")):
        with suppress(FileNotFoundError):
            leftover.unlink()
