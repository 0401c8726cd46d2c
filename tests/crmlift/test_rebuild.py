"""The warehouse made again from landed pages: the same figures, what was kept stays, and a failure changes nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from connectors.contract import Field, FieldType, Page, PageFormat, PageKind, StreamSchema, Window
from connectors.landing import LandingZone
from crmlift import pipeline
from crmlift.errors import DataCheckFailure
from crmlift.rebuild import rebuild
from tests.end_to_end.scramble import scramble

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


@pytest.fixture(scope="module")
def two_nights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two nights of a small source, run as they came."""
    home = tmp_path_factory.mktemp("nights")
    with pytest.MonkeyPatch.context() as patch:
        live_in(home, patch)
        _run_nights(home)
    return home


@pytest.fixture
def home(two_nights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
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


def read(home: Path, sql: str, file: str = "analytics.duckdb") -> list[tuple[object, ...]]:
    with duckdb.connect(str(home / file), read_only=True) as connection:
        return connection.execute(sql).fetchall()


METRICS = (
    "select * exclude (run_id, computed_at) from metrics.kpi_value order by all",
    "select * exclude (run_id, computed_at) from evaluation.kpi_effect order by all",
    "select * from core.opportunity_snapshot order by all",
    "select * from core.opportunity_stage_history order by all",
    "select rule_id, severity, failing_rows, first_seen_at from ops.data_quality_finding order by all",
)


def test_the_same_figures_from_shuffled_and_doubled_pages(home: Path) -> None:
    before = {sql: read(home, sql) for sql in METRICS}
    assert len(before[METRICS[0]]) > 100
    assert len({row[0] for row in read(home, "select distinct snapshot_date from core.opportunity_snapshot")}) == 2
    moved = "select count(*) from core.opportunity_stage_history where basis = 'snapshot_diff'"
    assert read(home, moved) > [(0,)]
    assert scramble(home / "landing") == 8
    done = dict(rebuild(run_id="again"))
    assert done["load"]["rows_read"] == 2 * 2 * 81
    for sql, rows in before.items():
        assert read(home, sql) == rows, sql
    assert [path.name for path in home.glob("*rebuilt*")] == []


def test_a_rebuild_that_fails_leaves_everything(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> pipeline.Summary:
        raise DataCheckFailure("Broken.")

    monkeypatch.setattr(pipeline, "measure", fail)
    with pytest.raises(DataCheckFailure, match="Broken"):
        rebuild(run_id="again")
    assert read(home, "select count(*) from metrics.kpi_unit", "warehouse.duckdb") > [(0,)]
    assert [path.name for path in home.iterdir() if "rebuilt" in path.name] == []


def test_no_night_writes_meanwhile(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = []

    def look(**_: object) -> pipeline.Summary:
        command = [sys.executable, "-c", f"import duckdb; duckdb.connect({str(home / 'warehouse.duckdb')!r})"]
        refused.append(subprocess.run(command, capture_output=True, text=True, check=False).stderr)
        return {}

    for step in ("load", "transform", "measure", "evaluate"):
        monkeypatch.setattr(pipeline, step, look if step == "load" else lambda **_: {})
    monkeypatch.setattr(pipeline, "publish", lambda **_: {})
    rebuild(run_id="again")
    assert "lock" in refused[0]


def test_nothing_landed_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live_in(tmp_path, monkeypatch)
    with pytest.raises(DataCheckFailure, match="Nothing has landed"):
        rebuild(run_id="again")
