"""The warehouse made again from landed pages: the same figures, what was kept stays, and a failure changes nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from crmlift import pipeline
from crmlift.errors import DataCheckFailure
from crmlift.rebuild import rebuild
from tests.crmlift.conftest import live_in
from tests.end_to_end.scramble import scramble


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


def test_the_same_figures_from_shuffled_and_doubled_pages(small_home: Path) -> None:
    before = {sql: read(small_home, sql) for sql in METRICS}
    assert len(before[METRICS[0]]) > 100
    assert (
        len({row[0] for row in read(small_home, "select distinct snapshot_date from core.opportunity_snapshot")}) == 2
    )
    moved = "select count(*) from core.opportunity_stage_history where basis = 'snapshot_diff'"
    assert read(small_home, moved) > [(0,)]
    assert scramble(small_home / "landing") == 8
    done = dict(rebuild(run_id="again"))
    assert done["load"]["rows_read"] == 2 * 2 * 81
    for sql, rows in before.items():
        assert read(small_home, sql) == rows, sql
    assert [path.name for path in small_home.glob("*rebuilt*")] == []


def test_a_rebuild_that_fails_leaves_everything(small_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> pipeline.Summary:
        raise DataCheckFailure("Broken.")

    monkeypatch.setattr(pipeline, "measure", fail)
    with pytest.raises(DataCheckFailure, match="Broken"):
        rebuild(run_id="again")
    assert read(small_home, "select count(*) from metrics.kpi_unit", "warehouse.duckdb") > [(0,)]
    assert [path.name for path in small_home.iterdir() if "rebuilt" in path.name] == []


def test_no_night_writes_meanwhile(small_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = []

    def look(**_: object) -> pipeline.Summary:
        command = [sys.executable, "-c", f"import duckdb; duckdb.connect({str(small_home / 'warehouse.duckdb')!r})"]
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
