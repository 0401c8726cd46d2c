"""Versions of definitions: what an old one gave keeps its version, and nothing downstream mixes two."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from crmlift.measure import measure
from crmlift.places import MODELS
from crmlift.registry import Kpi, load_registry
from crmlift.sql_models import EVALUATION, load_models
from crmlift.sql_runner import run_models
from tests.golden import AS_OF, PARAMETERS, warehouse

TABLES = ("kpi_current", "effect_factor", "effect_path", "mix_shift", "segment_effect", "dose_response")


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with warehouse() as opened:
        yield opened


def won_in(connection: duckdb.DuckDBPyConnection, days: int) -> None:
    """Forty deals created in January and won after so many days."""
    created = datetime(2026, 1, 10, 12, tzinfo=UTC)
    connection.execute(
        "insert into core.opportunity (opportunity_id, source_id, status, is_countable, is_deleted, team_id, amount_base, "
        "created_at, closed_at) select 'sf:' || i, 'sf', 'won', true, false, 'team:a', 10, $created, $closed "
        "from range(60) as r(i)",
        {"created": created, "closed": created + timedelta(days=days)},
    )


def registry(**overrides: dict[str, object]) -> list[Kpi]:
    return [k for k in load_registry(overrides=overrides) if k.kpi_id in ("cohort_win_rate", "won_revenue")]


def run(connection: duckdb.DuckDBPyConnection, kpis: list[Kpi], as_of: datetime = AS_OF) -> None:
    measure(connection, kpis, as_of=as_of, timezone="Europe/Kyiv", run_id="r")


def january(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple[object, ...]]:
    return connection.execute(
        f"select definition_version, value from metrics.{table} where kpi_id = 'cohort_win_rate' "
        "and period_grain = 'month' and period_start = date '2026-01-01' and segment_dim = 'all' and source_id = 'all' "
        "order by all"
    ).fetchall()


def test_old_values_keep_their_version_and_leave_the_table_of_the_new(connection: duckdb.DuckDBPyConnection) -> None:
    won_in(connection, days=100)
    half_year, quarter = registry(), registry(cohort_win_rate={"h_days": 90})
    run(connection, half_year)
    before = january(connection, "kpi_value")
    assert before == [(half_year[0].definition_version, 1.0)]
    run(connection, quarter, AS_OF + timedelta(days=1))
    assert january(connection, "kpi_value") == [(quarter[0].definition_version, 0.0)]
    assert january(connection, "kpi_value_superseded") == before
    versions = connection.execute(
        "select definition_version, json_extract(parameters, '$.h_days')::integer, first_used_at, last_used_at "
        "from metrics.kpi_definition where kpi_id = 'cohort_win_rate' order by first_used_at"
    ).fetchall()
    assert [v[:2] for v in versions] == [(half_year[0].definition_version, 180), (quarter[0].definition_version, 90)]
    assert versions[0][2] == versions[0][3] < versions[1][2]
    mixed = connection.execute(
        "select kpi_id from metrics.kpi_value group by kpi_id having count(distinct definition_version) > 1"
    ).fetchall()
    assert mixed == []
    untouched = connection.execute("select count(*) from metrics.kpi_value_superseded where kpi_id = 'won_revenue'")
    assert untouched.fetchall() == [(0,)]


def test_measuring_again_sets_nothing_aside_and_going_back_keeps_one_copy(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    won_in(connection, days=100)
    count = "select count(*) from metrics.kpi_value_superseded"
    for _ in range(2):
        run(connection, registry())
    assert connection.execute(count).fetchall() == [(0,)]
    for days in (90, 180, 90, 180):
        run(connection, registry(cohort_win_rate={"h_days": days}))
    kept = connection.execute(
        "select definition_version, period_grain, period_start, segment_dim, segment_value, source_id, count(*) "
        "from metrics.kpi_value_superseded group by all having count(*) > 1"
    ).fetchall()
    assert kept == []
    assert len(january(connection, "kpi_value_superseded")) == 2


def test_a_composite_changes_with_its_parts() -> None:
    def version(kpis: list[Kpi]) -> str:
        return next(k.definition_version for k in kpis if k.kpi_id == "clv_simple")

    plain = load_registry()
    assert version(plain) == version(load_registry())
    assert version(plain) != version(load_registry(overrides={"annual_margin_per_customer": {"margin_share": 0.5}}))
    assert version(plain) != version(load_registry(overrides={"clv_simple": {"discount_annual": 0.2}}))


def test_shared_sql_gives_each_kpi_its_own_version() -> None:
    kpis = {k.kpi_id: k for k in load_registry()}
    shared = [k for k in kpis.values() if k.definition.sql]
    assert len({k.sql_path for k in shared}) == 4
    assert len({k.definition_version for k in kpis.values()}) == len(kpis)


def test_verdicts_on_two_definitions_stay_apart(connection: duckdb.DuckDBPyConnection) -> None:
    won_in(connection, days=100)
    run(connection, registry())
    (current,) = [k for k in registry() if k.kpi_id == "cohort_win_rate"]
    diagnostics = (
        '{"event_study": [{"weeks": 1, "phase": "after", "change": 0.1, "low": 0, "high": 1}], "scale": "log", '
        '"dose_response": {"slope": 1}, "segments": [{"dim": "d", "segment": "s"}], '
        '"mix": {"d": {"index": 0, "parts": [{"segment": "s"}]}}}'
    )
    for version, effect in (("earlier", 0.5), (current.definition_version, 0.1)):
        connection.execute(
            "insert or replace into evaluation.kpi_effect by name select 'r' as rollout_id, 'all' as wave_id, "
            "'cohort_win_rate' as kpi_id, 'all' as segment_dim, 'all' as segment_value, date '2026-06-01' as as_of, "
            "'13w' as look, 'did' as method, 'improved' as verdict, $effect as effect_rel, $effect as effect, "
            "[]::varchar[] as caveats, $diagnostics::json as diagnostics, $version as definition_version, now() as "
            "computed_at",
            {"effect": effect, "version": version, "diagnostics": diagnostics},
        )
    both = connection.execute("select definition_version, effect from evaluation.kpi_effect order by effect").fetchall()
    assert both == [(current.definition_version, 0.1), ("earlier", 0.5)]
    late = [m for m in load_models(MODELS) if m.layer == EVALUATION and m.name.partition(".")[2] in TABLES]
    assert len(late) == len(TABLES)
    run_models(connection, late, PARAMETERS, "r")
    assert connection.execute("select definition_version, effect from evaluation.kpi_current").fetchall() == both[:1]
    for table in ("effect_path", "segment_effect", "dose_response"):
        assert connection.execute(f"select count(*) from evaluation.{table}").fetchall() == [(1,)]


def test_two_goals_on_one_kpi_are_one_verdict(connection: duckdb.DuckDBPyConnection) -> None:
    """The weightiest names it; the KPI would stand twice in every list of verdicts otherwise."""
    for goal_id, weight in (("grow", 1.0), ("win", 3.0), ("please", 3.0)):
        connection.execute(
            "insert into config.goal_target (rollout_id, goal_id, kpi_id, weight) values ('r', $goal, 'win_rate', $weight)",
            {"goal": goal_id, "weight": weight},
        )
    connection.execute(
        "insert into evaluation.kpi_effect by name select 'r' as rollout_id, 'all' as wave_id, 'win_rate' as kpi_id, "
        "'all' as segment_dim, 'all' as segment_value, date '2026-06-01' as as_of, '13w' as look, 'improved' as verdict, "
        "[]::varchar[] as caveats, 'v' as definition_version, now() as computed_at"
    )
    late = [m for m in load_models(MODELS) if m.name == "evaluation.kpi_current"]
    run_models(connection, late, PARAMETERS, "r")
    assert connection.execute("select kpi_id, goal_id from evaluation.kpi_current").fetchall() == [
        ("win_rate", "please")
    ]


def test_changing_a_path_alone_changes_nothing() -> None:
    (kpi,) = [k for k in load_registry() if k.kpi_id == "win_rate"]
    renamed = Kpi(kpi.path, kpi.definition.model_copy(update={"owner": "someone", "notes": "other"}), {})
    assert renamed.definition_version == kpi.definition_version
    moved = Kpi(kpi.path, kpi.definition.model_copy(update={"horizon_days": 10.0}), {})
    assert moved.definition_version != kpi.definition_version
