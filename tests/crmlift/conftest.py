"""Two nights of a small Salesforce org, landed, run and published: for tests of whole steps; files that a test writes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from connectors.contract import Field, FieldType, Page, PageFormat, PageKind, StreamSchema, Window
from connectors.landing import LandingZone
from crmlift import pipeline
from tests.crmlift.assessing import Written
from tests.golden import warehouse

NIGHTS = (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC))
TIMES, MONEY, FLAG = FieldType.TIMESTAMP, FieldType.DECIMAL, FieldType.BOOLEAN
USER = (
    Field("Id"),
    Field("Name"),
    Field("IsActive", FLAG),
    Field("UserType"),
    Field("IsDeleted", FLAG),
    Field("SystemModstamp", TIMES),
)
DEAL = (
    Field("Id"), Field("OwnerId"), Field("StageName"), Field("IsClosed", FLAG), Field("IsWon", FLAG),
    Field("Amount", MONEY), Field("CloseDate", FieldType.DATE), Field("CreatedDate", TIMES), Field("IsDeleted", FLAG),
    Field("SystemModstamp", TIMES),
)  # fmt: skip
SETTINGS = """
sources: {sf: {type: salesforce}}
rollouts:
  - {id: crm, waves: [{id: all, scope: company, members: [all], go_live: 2026-06-01}]}
"""


def land(home: Path, stream: str, fields: tuple[Field, ...], night: datetime, rows: list[tuple[str, ...]]) -> None:
    schema = StreamSchema(stream, "salesforce", stream, fields, ("Id",), "SystemModstamp", "IsDeleted")
    lines = [",".join(f.name for f in fields), *(",".join(row) for row in rows)]
    writer = LandingZone(home / "landing").begin(schema, "sf", f"{night:%Y-%m-%d}", Window(None, night))
    body = ("\n".join(lines) + "\n").encode()
    writer.write_all([Page(stream, PageFormat.CSV, [body], kind=PageKind.UPSERT, rows=len(rows))])
    writer.commit(len(rows))


def deals(night: datetime) -> list[tuple[str, ...]]:
    """Deals of which some are won on the second night, each with its newest change."""
    rows = []
    for number in range(80):
        created = datetime(2026, 1, 5, 10, tzinfo=UTC) + timedelta(days=2 * number)
        is_won = number % (3 if night == NIGHTS[1] else 4) == 0
        rows.append(
            (f"{number:015d}", "005000000000001AAA", "Won" if is_won else "Open", str(is_won).lower(), str(is_won).lower(),
             f"{100 + number * 1.37:.2f}", f"{created + timedelta(days=40):%Y-%m-%d}", created.isoformat(), "false",
             (night - timedelta(hours=1)).isoformat())
        )  # fmt: skip
    return rows


def live_in(home: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("CRMLIFT_HOME", str(home))
    patch.setenv("CRMLIFT_CONFIG", str(home / "crmlift.yml"))
    (home / "crmlift.yml").write_text(SETTINGS, encoding="utf-8")


@pytest.fixture(scope="session")
def two_nights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two nights of a small source, run as they came."""
    home = tmp_path_factory.mktemp("nights")
    with pytest.MonkeyPatch.context() as patch:
        live_in(home, patch)
        _run_nights(home)
    return home


@pytest.fixture
def small_home(two_nights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of them to work on."""
    shutil.copytree(two_nights, tmp_path, dirs_exist_ok=True)
    live_in(tmp_path, monkeypatch)
    return tmp_path


def _run_nights(home: Path) -> None:
    for night in NIGHTS:
        people = [("005000000000001AAA", "Ann", "true", "Standard", "false", (night - timedelta(hours=2)).isoformat())]
        land(home, "User", USER, night, people)
        land(home, "Opportunity", DEAL, night, deals(night))
        for step in (pipeline.load, pipeline.transform, pipeline.measure, pipeline.evaluate, pipeline.publish):
            step(run_id=f"night {night:%d}")


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """The empty warehouse; whatever a test writes is rolled back."""
    with warehouse() as opened:
        yield opened


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """written(content, name="a.csv"): the path of a file with that content."""

    def write(content: str | bytes, name: str = "a.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write
