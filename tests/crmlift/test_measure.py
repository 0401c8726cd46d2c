"""From unit rows to values: periods of the reporting time zone, intervals against oracles, unknown against zero."""

from __future__ import annotations

from datetime import date

import duckdb
import numpy as np

from crmlift.sql_models import METRICS, load_models
from crmlift.sql_runner import check_models
from tests.crmlift.measured import DAY, KPIS, at, run, values, won


def test_periods_are_those_of_the_reporting_time_zone(connection: duckdb.DuckDBPyConnection) -> None:
    # 22:30 UTC on 28 February is 1 March in Kyiv; 21:30 UTC on Sunday 29 March 2026 (summer time from that day) is Monday
    won(connection, [at("2026-02-28T22:30"), at("2026-03-29T21:30")], [1, 2])
    run(connection, "won_revenue")
    months = values(connection, "won_revenue", "month")
    assert date(2026, 2, 1) not in months
    assert months[date(2026, 3, 1)]["value"] == 3
    weeks = values(connection, "won_revenue", "week")
    assert weeks[date(2026, 2, 23)]["value"] == 1
    assert weeks[date(2026, 3, 23)]["value"] == 0
    assert weeks[date(2026, 3, 30)]["value"] == 2
    assert values(connection, "won_revenue", "day")[date(2026, 3, 30)]["value"] == 2
    assert values(connection, "won_revenue", "quarter")[date(2026, 1, 1)]["value"] == 3
    assert values(connection, "won_revenue", "year")[date(2026, 1, 1)]["period_end"] == date(2027, 1, 1)


def test_nothing_sold_is_zero_but_no_deal_has_no_size(connection: duckdb.DuckDBPyConnection) -> None:
    won(connection, [at("2026-03-02T12:00"), at("2026-03-16T12:00")], [100, 300])
    run(connection, "won_revenue", "won_deals", "avg_deal_size")
    empty = date(2026, 3, 9)
    for additive in ("won_revenue", "won_deals"):
        row = values(connection, additive, "week")[empty]
        assert (row["value"], row["n"], row["status"], row["is_mature"]) == (0, 0, "ok", True)
    size = values(connection, "avg_deal_size", "week")[empty]
    assert (size["value"], size["ci_low"], size["ci_high"], size["status"]) == (None, None, None, "no_data")


def test_a_total_that_begins_or_still_runs_says_so(connection: duckdb.DuckDBPyConnection) -> None:
    won(connection, [at("2026-08-20T12:00"), at("2026-10-20T12:00")], [100, 300])
    run(connection, "won_deals")
    months = values(connection, "won_deals", "month")
    told = {start.month: (row["status"], row["is_mature"]) for start, row in months.items()}
    assert told == {8: ("partial", False), 9: ("ok", True), 10: ("ok", True), 11: ("immature", False)}


def test_young_cohorts_wait(connection: duckdb.DuckDBPyConnection) -> None:
    won(connection, [at("2026-01-31T12:00")] * 60, [1] * 60)  # created on 1 January
    won(connection, [at("2026-10-20T12:00")] * 60, [1] * 60)  # created on 20 September
    run(connection, "cohort_win_rate")
    months = values(connection, "cohort_win_rate", "month")
    old, young = months[date(2026, 1, 1)], months[date(2026, 9, 1)]
    assert (old["value"], old["n"], old["status"], old["is_mature"]) == (1.0, 60, "ok", True)
    assert old["mature_after"] == date(2026, 2, 1) + 180 * DAY
    assert (young["value"], young["n"], young["n_censored"], young["status"]) == (None, 0, 60, "immature")


def test_segments_and_sources_add_up(connection: duckdb.DuckDBPyConnection) -> None:
    won(connection, [at("2026-03-02T12:00")] * 3, [1, 2, 3], team_id="team:a")
    won(connection, [at("2026-03-03T12:00")] * 2, [10, 20], team_id="team:b", source_id="hs", deal_type="renewal")
    won(connection, [at("2026-03-04T12:00")], [100], team_id=None)
    connection.execute(
        "insert into config.rollout_wave values ('w1', 'r', 'team', 'team:a', date '2026-02-01', 42, false), "
        "('controls', 'r', 'team', 'team:b', null, 0, true)"
    )
    run(connection, "won_revenue")
    found = connection.execute(
        "select segment_dim, segment_value, source_id, value from metrics.kpi_value "
        "where period_grain = 'month' and period_start = date '2026-03-01' order by all"
    ).fetchall()
    assert found == [
        ("all", "all", "all", 136.0), ("all", "all", "hs", 30.0), ("all", "all", "sf", 106.0),
        ("deal_type", "renewal", "all", 30.0), ("deal_type", "unknown", "all", 106.0),
        ("size_band", "1: under 1k", "all", 136.0),
        ("team", "team:a", "all", 6.0), ("team", "team:b", "all", 30.0), ("team", "unknown", "all", 100.0),
        ("wave", "controls", "all", 30.0), ("wave", "unknown", "all", 100.0), ("wave", "w1", "all", 6.0),
    ]  # fmt: skip


def test_region_and_segment_come_from_the_account(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "insert into core.account (account_id, region, segment, is_deleted) values ('sf:a', 'East', 'SMB', false)"
    )
    won(connection, [at("2026-03-02T12:00")], [5], account_id="sf:a")
    run(connection, "won_revenue")
    assert values(connection, "won_revenue", "month", segment_dim="region", segment_value="East")
    assert values(connection, "won_revenue", "month", segment_dim="account_segment", segment_value="SMB")


def test_a_backlog_is_the_last_count_of_a_period_not_a_sum(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "insert into core.ticket (ticket_id, source_id, created_at, is_countable, is_deleted, reopen_count, status) "
        "select 'hs:' || i, 'hs', timestamptz '2026-09-01 10:00:00+00' + to_days(cast(10 * i as integer)), true, false, 0, "
        "'open' from range(5) as r(i)"
    )
    run(connection, "open_backlog")
    assert values(connection, "open_backlog", "month")[date(2026, 9, 1)]["value"] == 3
    assert values(connection, "open_backlog", "quarter")[date(2026, 7, 1)]["value"] == 3
    assert values(connection, "open_backlog", "week")[date(2026, 9, 7)]["value"] == 2


def test_fiscal_years_begin_where_the_settings_say(connection: duckdb.DuckDBPyConnection) -> None:
    from crmlift.sql_models import CORE
    from crmlift.sql_runner import run_models
    from tests.golden import PARAMETERS, models

    connection.execute("insert into config.setting values ('fiscal_year_start', '2')")
    run_models(connection, [m for m in models() if m.name == "core.calendar" and m.layer == CORE], PARAMETERS, "r")
    won(connection, [at("2026-01-31T12:00"), at("2026-02-10T12:00")], [1, 2])
    run(connection, "won_revenue")
    assert values(connection, "won_revenue", "year")[date(2026, 2, 1)]["value"] == 2
    quarters = values(connection, "won_revenue", "quarter")
    assert (quarters[date(2025, 11, 1)]["value"], quarters[date(2025, 11, 1)]["period_end"]) == (1, date(2026, 2, 1))


def test_measuring_again_or_in_another_order_changes_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    rng = np.random.default_rng(1)
    times = [at("2026-01-05T12:00") + DAY * int(d) for d in rng.integers(0, 200, 300)]
    won(connection, times, np.round(rng.lognormal(5, 1, 300), 2).tolist())
    kpis = ("won_revenue", "win_rate", "sales_cycle_days", "avg_deal_size")
    query = "select * exclude (run_id, computed_at) from metrics.kpi_value order by all"

    def rounded() -> list[tuple[object, ...]]:
        found = connection.execute(query).fetchall()
        return [tuple(round(v, 6) if isinstance(v, float) else v for v in row) for row in found]

    run(connection, *kpis, run_id="first")
    before = rounded()
    run(connection, *kpis, run_id="second")
    assert rounded() == before
    connection.execute(
        "create or replace table core.opportunity as select * from core.opportunity order by hash(opportunity_id)"
    )
    run(connection, *kpis, run_id="third")
    assert rounded() == before
    assert len(before) > 500


def test_work_tables_do_not_stay(connection: duckdb.DuckDBPyConnection) -> None:
    run(connection, "won_revenue")
    left = connection.execute(
        "select table_name from duckdb_tables() where schema_name = 'metrics' order by all"
    ).fetchall()
    assert [name for (name,) in left] == [
        "kpi",
        "kpi_definition",
        "kpi_incidence",
        "kpi_segment_set",
        "kpi_unit",
        "kpi_value",
        "kpi_value_superseded",
    ]


def test_the_registry_becomes_a_table(connection: duckdb.DuckDBPyConnection) -> None:
    run(connection, "cohort_win_rate")
    found = connection.execute(
        "select kpi_id, name_uk, stat_type, horizon_days, guard_kpi_id, definition_version from metrics.kpi"
    ).fetchall()
    kpi = KPIS["cohort_win_rate"]
    assert found == [
        ("cohort_win_rate", kpi.definition.name["uk"], "proportion", 180.0, "win_rate", kpi.definition_version)
    ]


def test_metrics_models_are_sound() -> None:
    from crmlift.places import MODELS

    models = load_models(MODELS)
    assert check_models([m for m in models if m.layer <= METRICS]) == []
