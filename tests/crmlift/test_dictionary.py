"""Every published table and column is described, and docs/data-dictionary.md says the same words."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from crmlift.dictionary import SCHEMAS, dictionary, make_empty
from crmlift.places import MODELS, ROOT
from crmlift.sql_models import load_models
from crmlift.warehouse.describe import described_tables
from crmlift.warehouse.publish import NOT_PUBLISHED, PUBLISHED_SCHEMAS


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        make_empty(opened, load_models(MODELS))
        yield opened


def test_every_published_table_and_column_has_a_comment(connection: duckdb.DuckDBPyConnection) -> None:
    bare = connection.execute(
        "select schema_name || '.' || table_name, null from duckdb_tables() where comment is null "
        "and list_contains($schemas, schema_name) "
        "union all select schema_name || '.' || table_name, column_name from duckdb_columns() where comment is null "
        "and list_contains($schemas, schema_name) order by all",
        {"schemas": list(PUBLISHED_SCHEMAS)},
    ).fetchall()
    hidden = {f"{schema}.{table}" for schema, table in NOT_PUBLISHED}
    assert [place for place in bare if place[0] not in hidden] == []


def test_comments_describe_what_exists(connection: duckdb.DuckDBPyConnection) -> None:
    """A column that was renamed must not leave its description behind."""
    existing = set(
        connection.execute("select schema_name || '.' || table_name, column_name from duckdb_columns()").fetchall()
    )
    told = {(table, column) for table, described in described_tables().items() for column in described.columns}
    assert told - existing == set()


def test_the_page_is_current() -> None:
    page = (ROOT / "docs" / "data-dictionary.md").read_text(encoding="utf-8")
    assert page == dictionary(), "run  crmlift sql dictionary --write docs/data-dictionary.md"
    assert set(SCHEMAS) == set(PUBLISHED_SCHEMAS)
