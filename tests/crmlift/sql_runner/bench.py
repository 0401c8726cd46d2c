"""What tests of the runner share: the night's parameters, and the rows of a query."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import duckdb

PARAMETERS = {"as_of": datetime(2026, 11, 2, tzinfo=UTC), "timezone": "Europe/Kyiv"}
Write = Callable[..., None]


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[object, ...]]:
    return connection.execute(query).fetchall()
