"""KPIs that no rollout is judged by: they say why, a goal on one says so too, and a goal brings the watched ones in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import duckdb
import pytest

from crmlift.evaluate import evaluate
from crmlift.kpi_definitions import record_definitions
from crmlift.registry import load_registry
from crmlift.report.catalogue import texts_for
from crmlift.settings import Settings
from tests.golden import AS_OF, warehouse

KPIS = load_registry()


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with warehouse() as opened:
        record_definitions(opened, KPIS, AS_OF)
        yield opened


def settings(*goals: str) -> Settings:
    return Settings.model_validate(
        {
            "company": {"name": "Given", "currency": "EUR", "timezone": "Europe/Kyiv"},
            "rollouts": [
                {"id": "r", "name": "R", "waves": [{"id": "w", "scope": "team", "members": ["A"], "go_live": "2026-01-05"}]}
            ],
            "goals": [
                {"id": kpi, "rollout": "r", "family": "sales", "kpi": kpi, "statement": kpi, "target_change": 0.1,
                 "target_date": "2026-12-31"}
                for kpi in goals
            ],
        }
    )  # fmt: skip


def test_a_goal_on_a_composite_is_not_comparable_and_says_why(connection: duckdb.DuckDBPyConnection) -> None:
    evaluate(connection, settings("pipeline_velocity", "npv"), as_of=AS_OF, run_id="r")
    found = connection.execute(
        "select kpi_id, wave_id, look, as_of, verdict, reason, effect, definition_version from evaluation.kpi_effect "
        "where verdict = 'not_comparable' order by kpi_id"
    ).fetchall()
    version = {k.kpi_id: k.definition_version for k in KPIS}
    day = date(2026, 11, 2)
    assert found == [
        ("npv", "all", "provisional", day, "not_comparable", "model", None, version["npv"]),
        ("pipeline_velocity", "all", "provisional", day, "not_comparable", "composite", None, version["pipeline_velocity"]),
    ]  # fmt: skip


def test_watched_kpis_are_judged_only_when_a_goal_names_them(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "insert into config.rollout_wave values ('w', 'r', 'team', 'team:a', date '2026-01-05', 42, false); "
        "insert into metrics.kpi_unit by name select unnest(['enps', 'win_rate']) as kpi_id, 'u' || i as unit_id, "
        "timestamptz '2025-06-01 00:00:00+00' + to_days(i::integer) as event_at, 'team:a' as team_id, 1.0 as num, "
        "1.0 as den, true as observed from range(400) as r(i)"
    )
    judged = "select distinct kpi_id from evaluation.kpi_effect order by 1"
    evaluate(connection, settings(), as_of=AS_OF, run_id="r")
    assert connection.execute(judged).fetchall() == [("win_rate",)]
    evaluate(connection, settings("enps"), as_of=AS_OF, run_id="r")
    assert connection.execute(judged).fetchall() == [("enps",), ("win_rate",)]


def test_every_reason_has_words_in_both_languages() -> None:
    reasons = {kpi.definition.no_effect for kpi in KPIS} - {None}
    assert reasons >= {"composite", "model", "snapshot", "needs_snapshots", "on_goal_only"}
    for locale in ("en", "uk"):
        assert all(texts_for(locale).has(f"reason.{reason}") for reason in reasons)
