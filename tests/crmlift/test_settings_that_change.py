"""Settings that change after the first night take effect in the next; verdicts under the old ones are set aside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
import yaml

from crmlift import pipeline

FIRST, LAST = np.datetime64("2022-01-03"), np.datetime64("2024-06-30")
MAPPING = {
    "deals": {
        "path": "deals.csv", "entity": "opportunity",
        "columns": {"id": "Deal", "status": "Stage", "amount": "Amount", "created_at": "Opened", "closed_at": "Closed",
                    "team": "Branch"},
    }
}  # fmt: skip
Night = Callable[..., duckdb.DuckDBPyConnection]


def deals() -> str:
    """Deals of ten branches, opened and closed until the end of June 2024, then nothing."""
    rng = np.random.default_rng(11)
    lines = ["Deal,Stage,Amount,Opened,Closed,Branch"]
    for number in range(2600):
        opened = FIRST + int(rng.integers(0, int((LAST - FIRST).astype(int))))
        closed = opened + int(rng.exponential(20)) + 1
        is_over = closed <= LAST
        stage = ("won" if rng.random() < 0.4 else "lost") if is_over else "open"
        shown = closed if is_over else ""
        lines.append(f"D{number},{stage},{rng.lognormal(7, 0.5):.2f},{opened},{shown},Branch {number % 10}")
    lines.append(f"D2600,won,100.00,{LAST - 30},{LAST},Branch 1")
    return "\n".join(lines) + "\n"


@pytest.fixture(name="night")
def _night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Night:
    """Runs a night under the settings given, in one home; then the warehouse, to be asked."""
    (tmp_path / "deals.csv").write_text(deals())
    monkeypatch.setenv("CRMLIFT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CRMLIFT_CONFIG", str(tmp_path / "crmlift.yml"))
    count = iter(range(1, 20))

    def night(
        go_live: str = "2023-03-06", goals: tuple[str, ...] = (), mapping: dict[str, Any] | None = None, **source: Any
    ) -> duckdb.DuckDBPyConnection:
        members, controls = ([f"Branch {n}" for n in some] for some in (range(5), range(5, 10)))
        settings = {
            "company": {"currency": "EUR", "timezone": "UTC"},
            "sources": {"old": {"type": "files", "path": str(tmp_path), "files": mapping or MAPPING, **source}},
            "rollouts": [{"id": "r", "controls": controls, "waves": [{"id": "w", "go_live": go_live, "members": members}]}],
            "goals": [{"id": kpi, "kpi": kpi, "rollout": "r"} for kpi in goals],
        }  # fmt: skip
        (tmp_path / "crmlift.yml").write_text(yaml.safe_dump(settings))
        run_id = f"n{next(count)}"
        pipeline.extract("old", run_id=run_id)
        for step in (pipeline.load, pipeline.transform, pipeline.measure, pipeline.evaluate):
            step(run_id=run_id)
        return duckdb.connect(str(tmp_path / "home" / "warehouse.duckdb"), read_only=True)

    return night


def current(connection: duckdb.DuckDBPyConnection, kpi: str = "won_deals") -> dict[str, Any]:
    found = connection.execute("select * from evaluation.kpi_current where wave_id = 'all' and kpi_id = ?", [kpi])
    names = [column[0] for column in found.description or []]
    [row] = [
        row for row in map(lambda r: dict(zip(names, r, strict=True)), found.fetchall()) if row["segment_dim"] == "all"
    ]
    return row


def superseded(connection: duckdb.DuckDBPyConnection) -> set[str]:
    found = connection.execute("select distinct superseded_because from evaluation.kpi_effect_superseded")
    return {because for (because,) in found.fetchall()}


def test_files_end_where_their_records_end(night: Night) -> None:
    with night() as connection:
        [until] = connection.execute(
            "select complete_until from metrics.kpi where kpi_id = 'won_deals'"
        ).fetchone() or [None]
        assert until.isoformat().startswith("2024-07-01T00:00:00")
        last = connection.execute(
            "select max(period_start) filter (value > 0), max(period_start) from metrics.kpi_value "
            "where kpi_id = 'won_deals' and period_grain = 'week' and segment_dim = 'all' and source_id = 'all'"
        ).fetchone()
        assert last is not None and (last[1] - last[0]).days <= 7
        row = current(connection)
        assert row["provisional_as_of"].isoformat() == "2024-07-01"
        assert row["verdict"] in ("inconclusive", "no_material_change"), row["caveats"]
        told = connection.execute(
            "select message, severity from ops.data_quality_finding where rule_id = 'files_end' and state = 'open'"
        ).fetchall()
        assert len(told) == 1 and "end on 2024-06-30" in told[0][0]
        blocking = connection.execute(
            "select rule_id from ops.data_quality_finding where severity = 'blocking'"
        ).fetchall()
        assert blocking == []


def test_an_as_of_that_is_added_later_counts(night: Night) -> None:
    with night() as connection:
        before = current(connection)
    with night(as_of="2023-12-31") as connection:
        row = current(connection)
        assert row["provisional_as_of"].isoformat() == "2023-12-31" < before["provisional_as_of"].isoformat()
        assert row["as_of"] <= row["provisional_as_of"]
        assert row["reason"] != "data_quality"
        assert superseded(connection) == {"beyond_the_data"}
    with night() as connection:
        assert current(connection)["as_of"] == before["as_of"]


def test_a_wave_that_moves_is_judged_anew(night: Night) -> None:
    with night() as connection:
        before = current(connection)
    with night(go_live="2023-05-01") as connection:
        after = current(connection)
        assert superseded(connection) == {"settings_changed"}
        assert after["pre_end"] > before["pre_end"] and after["as_of"] > before["as_of"]
        looks = connection.execute(
            "select look, count(distinct as_of) from evaluation.kpi_effect where kpi_id = 'won_deals' "
            "and wave_id = 'all' and segment_dim = 'all' and look <> 'provisional' group by 1"
        ).fetchall()
        assert looks and {count for _, count in looks} == {1}


def test_a_goal_that_is_added_is_corrected_with_the_others(night: Night) -> None:
    with night(goals=("won_deals",)) as connection:
        assert current(connection, "win_rate")["q_value"] is None
        unmoved = current(connection, "sales_cycle_days")
    with night(goals=("won_deals", "win_rate")) as connection:
        row = current(connection, "win_rate")
        assert row["goal_id"] == "win_rate" and row["q_value"] is not None
        assert current(connection, "sales_cycle_days")["computed_at"] == unmoved["computed_at"]


def test_a_mended_mapping_is_judged_anew(night: Night) -> None:
    wrong = {"deals": {**MAPPING["deals"], "columns": {**MAPPING["deals"]["columns"], "closed_at": "Opened"}}}  # type: ignore[dict-item]
    with night(mapping=wrong) as connection:
        before = current(connection)
    with night() as connection:
        after = current(connection)
        assert "settings_changed" in superseded(connection)
        assert (after["pre_value"], after["post_value"]) != (before["pre_value"], before["post_value"])
        won = connection.execute("select count(*) from core.opportunity where status = 'won'").fetchone()
        lines = [line for line in deals().splitlines() if ",won," in line]
        assert won == (len(lines),)


def test_the_same_settings_leave_frozen_looks_alone(night: Night) -> None:
    looks = "select kpi_id, look, as_of, verdict, run_id from evaluation.kpi_effect where look <> 'provisional' order by all"
    with night(goals=("won_deals",)) as connection:
        before = connection.execute(looks).fetchall()
    with night(goals=("won_deals",)) as connection:
        assert connection.execute(looks).fetchall() == before != []
        assert superseded(connection) == set()
        told = connection.execute("select state from ops.data_quality_finding where rule_id = 'files_end'").fetchall()
        assert told == [("open",)]  # of files that need not be read again, too
