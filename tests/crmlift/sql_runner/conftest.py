"""A database with the warehouse's own tables, and models written for a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from crmlift.warehouse.store import TABLES
from tests.crmlift.sql_runner.bench import Write


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("set TimeZone = 'UTC'")
        opened.execute(TABLES.read_text(encoding="utf-8"))
        yield opened


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """write('2_core/team', 'select …', yml…) under tmp_path."""

    def file(name: str, sql: str, yml: str = "grain: [id]\ncolumns: {id: Key}\n") -> None:
        path = tmp_path / f"{name}.sql"
        path.parent.mkdir(exist_ok=True)
        path.write_text(sql, encoding="utf-8")
        path.with_suffix(".yml").write_text(yml, encoding="utf-8")

    return file
