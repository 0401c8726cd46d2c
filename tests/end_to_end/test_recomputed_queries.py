"""The answer of every documented query, computed again in pandas: on company known, and on a copy full of awkward rows."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import duckdb
import pandas as pd
import pytest

from tests.end_to_end.awkward_rows import AWKWARD_ROWS
from tests.end_to_end.conftest import Night
from tests.end_to_end.documented_queries import queries
from tests.end_to_end.recomputed_frames import Frames, days, reader
from tests.end_to_end.recomputed_queries_analysts import ANALYSTS
from tests.end_to_end.recomputed_queries_finance import FINANCE, at_work
from tests.end_to_end.recomputed_queries_frames import local_days, plain_rows
from tests.end_to_end.recomputed_queries_operations import OPERATIONS
from tests.end_to_end.recomputed_service import sus_score

RECOMPUTED = {**OPERATIONS, **ANALYSTS, **FINANCE}
MAY_BE_EMPTY = {"O2", "O3", "O4"}
"""Questions whose answer on company known can be: none. The awkward copy has one for each."""


@pytest.fixture(scope="module", params=["known", "awkward"])
def published(
    request: pytest.FixtureRequest, first_night: Night, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published file, or a copy of it with rows that a careless query counts."""
    path = first_night.home / "analytics.duckdb"
    if request.param == "awkward":
        path = tmp_path_factory.mktemp("awkward") / path.name
        shutil.copy(first_night.home / "analytics.duckdb", path)
    with duckdb.connect(str(path), read_only=request.param == "known") as connection:
        connection.execute("set TimeZone = 'America/Lima'")
        if request.param == "awkward":
            for statement in AWKWARD_ROWS:
                changed = connection.execute(statement).fetchone()
                assert changed and changed[0], f"no rows for: {statement}"
        yield connection


@pytest.fixture(scope="module")
def frame(published: duckdb.DuckDBPyConnection) -> Frames:
    return reader(published)


@pytest.mark.parametrize("question", sorted(queries()))
def test_the_answer_of_a_documented_query(
    request: pytest.FixtureRequest, published: duckdb.DuckDBPyConnection, frame: Frames, question: str
) -> None:
    """All rows in their order, whatever time zone the reader's session has."""
    found = plain_rows(published.execute(queries()[question]).fetchall())
    expected = RECOMPUTED[question](frame)
    assert found or (question in MAY_BE_EMPTY and "known" in request.node.callspec.id), question
    assert len(found) == len(expected)
    for got, wanted in zip(found, expected, strict=True):
        assert list(got) == [
            pytest.approx(value, rel=1e-9, abs=1e-12) if isinstance(value, float) else value for value in wanted
        ]


def test_an_alert_counts_the_units_of_the_week_it_is_about(first_night: Night) -> None:
    """People at work and contracts for seats; answers to the survey: not how many weeks or questions they are."""
    with duckdb.connect(str(first_night.home / "analytics.duckdb"), read_only=True) as connection:
        frame = reader(connection)
        alerts = frame("ops.alert").query("state == 'open'").set_index("kpi_id")
        monday = pd.to_datetime(alerts["period_start"])
        sunday = monday["licence_utilisation"] + days(6)
        contracts = frame("config.licence_seat")
        is_valid = (contracts["valid_from"] <= sunday) & (
            contracts["valid_to"].isna() | (contracts["valid_to"] > sunday)
        )
        since = local_days(sus_score(frame)["at"]) - monday["sus_score"]
        expected = {
            "licence_utilisation": at_work(frame, sunday) + is_valid.sum(),
            "sus_score": ((since >= days(0)) & (since < days(7))).sum(),
        }
        assert alerts["n"].to_dict() == expected
        assert min(expected.values()) > 5
