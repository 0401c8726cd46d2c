"""Opening DuckDB files, with clear words when another process holds them."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from crmlift.errors import WarehouseFailure
from crmlift.warehouse.migrate import make_tables

LOAD_MEMORY_MB, LOAD_MEMORY_MB_A_THREAD, COLUMNS_A_SHARE = 80, 80, 40
LEAST_MEMORY_MB, LEAST_MEMORY_MB_A_THREAD, MEMORY_A_BYTE = 104, 192, 4
LARGE_MEMORY_MB, MEMORY_A_LARGE_BYTE = 4000, 1.5
"""What a million deals with ten million activities run in; the database writes to disk what needs more."""
WRITTEN_AS: dict[str, str | bool | int | float | list[str]] = {
    "storage_compatibility_version": "v1.4.0", "checkpoint_threshold": "1GB",
}  # fmt: skip
"""Strings are compressed faster than as the oldest readers would need; a step writes its checkpoint when it ends."""
READABLE_SINCE = "v1.0.0"
"""The published copy is for whatever program an analyst has."""
TABLES = Path(__file__).with_name("tables.sql")


@contextmanager
def work_database(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The one writer's connection, with the tables steps write to; UTC session.

    Raises WarehouseFailure when another process holds the file or it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = _open(path, read_only=False)
    try:
        _leave_memory_to_others(connection, path)
        make_tables(connection, TABLES)
        yield connection
    finally:
        connection.close()


@contextmanager
def published(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to the published copy; never blocks and is never blocked by a running night.

    Raises WarehouseFailure when nothing was published yet.
    """
    if not path.exists():
        raise WarehouseFailure(
            "Nothing is published yet.",
            where=str(path),
            next_step="crmlift run  (or  crmlift demo  to try it)",
        )
    connection = _open(path, read_only=True)
    try:
        yield connection
    finally:
        connection.close()


def _leave_memory_to_others(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Keep no more in memory than a warehouse of this size needs; the database would keep all it ever read."""
    size_mb = path.stat().st_size / 2**20
    wanted_mb = round(min(MEMORY_A_BYTE * size_mb, max(LARGE_MEMORY_MB, MEMORY_A_LARGE_BYTE * size_mb)))
    found = connection.execute("select current_setting('threads')").fetchone()
    wanted_mb = max(LEAST_MEMORY_MB + LEAST_MEMORY_MB_A_THREAD * int(found[0] if found else 1), wanted_mb)
    if wanted_mb < 0.7 * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20:
        connection.execute(f"set memory_limit = '{wanted_mb}MB'")


def _open(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    try:
        connection = duckdb.connect(str(path), read_only=read_only, config={} if read_only else WRITTEN_AS)
    except duckdb.IOException as problem:
        if "lock" in str(problem).lower():
            raise WarehouseFailure(
                "Another process holds the database file.",
                where=str(path),
                why="Only one process may write it, and nobody may read it meanwhile.",
                saved="Nothing was changed.",
                next_step="wait for the running night to end, or close the program that has the file open; "
                "to query, open analytics.duckdb instead",
            ) from None
        raise WarehouseFailure(
            "The database file cannot be opened.", where=str(path), why=str(problem).splitlines()[0],
            next_step="check the permissions and free space of its folder",
        ) from None  # fmt: skip
    connection.execute("set TimeZone = 'UTC'")
    connection.execute("set enable_progress_bar = false")
    return connection


@contextmanager
def bounded_memory(connection: duckdb.DuckDBPyConnection, columns: int) -> Iterator[None]:
    """Let the database use little memory inside, whatever the length of the tables; row order is given up for it.

    columns: of the widest table written; a thread holds a block or more of each while it fills a row group.
    """
    found = connection.execute("select current_setting('threads'), current_setting('memory_limit')").fetchone()
    threads, before = (int(found[0]), str(found[1])) if found else (1, "80%")
    megabytes = LOAD_MEMORY_MB + LOAD_MEMORY_MB_A_THREAD * threads * math.ceil(columns / COLUMNS_A_SHARE)
    connection.execute(f"set memory_limit = '{megabytes}MB'; set preserve_insertion_order = false")
    try:
        yield
    finally:
        connection.execute(f"set memory_limit = {literal(before)}; reset preserve_insertion_order")


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All or nothing."""
    connection.begin()
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def quoted(name: str) -> str:
    """An SQL identifier, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """An SQL string literal, for places that take no bound parameter (file lists, comments)."""
    return "'" + text.replace("'", "''") + "'"
