"""Aggregation by statistical type: clusters, snapshots, competing ends, small cells, composites and models."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta

import duckdb
import numpy as np
import pytest
from scipy import stats

from crmlift.measure import measure
from crmlift.registry import load_registry
from tests.golden import AS_OF

KPIS = {kpi.kpi_id: kpi for kpi in load_registry()}
MARCH = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def run(connection: duckdb.DuckDBPyConnection, *kpi_ids: str) -> None:
    measure(connection, [KPIS[k] for k in kpi_ids], as_of=AS_OF, timezone="Europe/Kyiv", run_id="r")


def cells(
    connection: duckdb.DuckDBPyConnection, kpi_id: str, columns: str, **where: object
) -> list[tuple[object, ...]]:
    chosen = "".join(f" and {name} = ${name}" for name in where)
    return connection.execute(
        f"select {columns} from metrics.kpi_value where kpi_id = $kpi_id{chosen} order by all",
        {"kpi_id": kpi_id, **where},
    ).fetchall()


WHOLE = {"segment_dim": "all", "segment_value": "all", "source_id": "all"}


def test_a_ratio_takes_owners_as_clusters(connection: duckdb.DuckDBPyConnection) -> None:
    rng = np.random.default_rng(4)
    rows = []
    for owner in range(12):
        skill = rng.uniform(0.1, 0.9)
        for _ in range(20):
            status = "won" if rng.random() < skill else "lost"
            rows.append((f"sf:u{owner}", status, round(float(rng.lognormal(5, 1)), 2)))
    connection.executemany(
        "insert into core.opportunity (opportunity_id, source_id, is_countable, is_deleted, created_at, closed_at, team_id, "
        "initial_owner_id, status, amount_base) "
        f"values (uuid(), 'sf', true, false, timestamptz '{MARCH - 9 * DAY}', timestamptz '{MARCH}', 'team:a', ?, ?, ?)",
        rows,
    )
    run(connection, "win_rate_amount")
    owners = np.array([owner for owner, _, _ in rows])
    den = np.array([amount for _, _, amount in rows])
    num = np.where([status == "won" for _, status, _ in rows], den, 0.0)
    ratio = num.sum() / den.sum()
    left = np.array([(num - ratio * den)[owners == owner].sum() for owner in np.unique(owners)])
    half = stats.t.ppf(0.975, 11) * math.sqrt((left**2).sum() * 12 / 11) / den.sum()
    for grain in ("week", "month", "quarter", "year"):
        for dim, value in (("all", "all"), ("team", "team:a")):
            told = cells(connection, "win_rate_amount", "value, ci_low, ci_high, n", period_grain=grain,
                         segment_dim=dim, segment_value=value, source_id="all")[0]  # fmt: skip
            assert told == pytest.approx((ratio, ratio - half, ratio + half, 240), rel=1e-4)
    loose = math.sqrt(((num - ratio * den) ** 2).sum() * 240 / 239) / den.sum() * 1.97
    assert half > 1.5 * loose


def test_one_owner_alone_gives_no_interval(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "insert into core.opportunity (opportunity_id, source_id, is_countable, is_deleted, created_at, closed_at, status, "
        "amount_base, initial_owner_id) select 'sf:' || i, 'sf', true, false, $at, $at, if(i % 2 = 0, 'won', 'lost'), 10, "
        "'sf:u' from range(50) as r(i)",
        {"at": MARCH},
    )
    run(connection, "win_rate_amount")
    assert cells(connection, "win_rate_amount", "value, ci_low, ci_high", period_grain="month", **WHOLE)[0] == (
        0.5, None, None,
    )  # fmt: skip


def test_a_snapshot_counts_at_its_last_day_and_the_largest_has_no_sum(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "insert into core.opportunity_snapshot by name select unnest([date '2026-10-06', date '2026-10-20', "
        "date '2026-10-27']) as snapshot_date, 'sf:' || i as opportunity_id, 'sf' as source_id, 'open' as status, "
        "if(i < unnest([10, 30, 80]), date '2026-10-01', date '2026-12-01') as expected_close_date from range(100) as r(i)"
    )
    connection.execute(
        "insert into ops.run (run_id, step, source_id, object, state, high_watermark) values "
        "('r', 'load', 'sf', 'Account', 'success', $at - interval 5 hour), "
        "('r', 'load', 'sf', 'Task', 'success', $at - interval 30 hour)",
        {"at": AS_OF},
    )
    run(connection, "overdue_close_date_rate", "data_freshness_hours")
    october = cells(connection, "overdue_close_date_rate", "value, n", period_grain="month",
                    period_start=date(2026, 10, 1), **WHOLE)  # fmt: skip
    assert october == [(0.8, 100)]
    weeks = cells(connection, "overdue_close_date_rate", "period_start, value", period_grain="week", **WHOLE)
    assert dict(weeks)[date(2026, 10, 19)] == 0.3
    assert cells(connection, "data_freshness_hours", "value, ci_low, n", period_grain="month", **WHOLE) == [
        (30.0, None, 2)
    ]


def test_competing_ends_agree_with_lifelines(connection: duckdb.DuckDBPyConnection) -> None:
    from lifelines import AalenJohansenFitter

    rng = np.random.default_rng(8)
    n, created = 300, datetime(2026, 1, 10, 12, tzinfo=UTC)
    lasted = np.round(rng.exponential(80, n), 6)
    ways = rng.choice([1, 2], n, p=[0.35, 0.65])
    until = (AS_OF - created) / DAY
    cause = np.where(lasted < until, ways, 0)
    connection.executemany(
        "insert into core.opportunity (opportunity_id, source_id, is_countable, is_deleted, created_at, status, closed_at) "
        "values (uuid(), 'sf', true, false, ?, ?, ?)",
        [
            [created, ("open", "won", "lost")[c], created + float(d) * DAY if c else None]
            for d, c in zip(lasted.tolist(), cause.tolist(), strict=True)
        ],
    )
    run(connection, "sales_cycle_days")
    for code, way in ((1, "won"), (2, "lost")):
        fitted = AalenJohansenFitter(calculate_variance=True).fit(
            np.minimum(lasted, until), cause, event_of_interest=code
        )
        share = fitted.cumulative_density_.loc[:180].iloc[-1, 0]
        band = fitted.confidence_interval_.loc[:180].iloc[-1].tolist()
        own = connection.execute(
            "select value, ci_low, ci_high, n, n_ended, half_time from metrics.kpi_incidence where cause = ? "
            "and period_grain = 'month' and segment_dim = 'all' and source_id = 'all'", [way],
        ).fetchone()  # fmt: skip
        assert own is not None
        assert own[:3] == pytest.approx((share, *sorted(band)), abs=1e-6)
        assert own[3:5] == (n, int(((cause == code) & (lasted <= 180)).sum()))
        density = fitted.cumulative_density_.iloc[:, 0]
        assert own[5] == pytest.approx(float(density.index[density >= share / 2 - 1e-9][0]), abs=1e-5)


def answers(connection: duckdb.DuckDBPyConnection, team: str, count: int) -> None:
    connection.execute(
        "insert into core.survey_response (response_id, source_id, survey_kind, audience, respondent_key, team_id, "
        "responded_at, score, scale_min, scale_max, is_deleted) select $team || i, 'files', 'enps', 'employee', $team || i, "
        "$team, $at, 9, 0, 10, false from range($count) as r(i)",
        {"team": team, "count": count, "at": MARCH},
    )


def test_small_cells_are_unknown_and_cannot_be_worked_out(connection: duckdb.DuckDBPyConnection) -> None:
    for team, count in (("team:a", 4), ("team:b", 9), ("team:c", 30)):
        answers(connection, team, count)
    run(connection, "enps")
    columns = "segment_value, value, ci_low, numerator, denominator, status, reason"
    march = {"period_grain": "month", "period_start": date(2026, 3, 1)}
    told = cells(connection, "enps", columns, segment_dim="team", **march)
    hidden = ("team:a", None, None, None, None, "suppressed", "fewer units than may be shown")
    other = ("team:b", None, None, None, None, "suppressed", "would tell a cell that may not be shown")
    assert told[:2] == [hidden, other]
    assert told[2][:2] == ("team:c", 100.0)
    assert cells(connection, "enps", "value, n, status", **march, **WHOLE) == [(100.0, 43, "ok")]


def test_two_small_cells_hide_each_other(connection: duckdb.DuckDBPyConnection) -> None:
    for team, count in (("team:a", 4), ("team:b", 3), ("team:c", 30)):
        answers(connection, team, count)
    run(connection, "enps")
    told = cells(connection, "enps", "segment_value, status", period_grain="quarter", segment_dim="team",
                 period_start=date(2026, 1, 1))  # fmt: skip
    assert told == [("team:a", "suppressed"), ("team:b", "suppressed"), ("team:c", "ok")]


def test_few_people_altogether_are_not_shown_either(connection: duckdb.DuckDBPyConnection) -> None:
    answers(connection, "team:a", 4)
    run(connection, "enps")
    assert {row[0] for row in cells(connection, "enps", "status")} == {"suppressed", "no_data"}
    assert cells(connection, "enps", "count(value), count(numerator)") == [(0, 0)]


def test_every_cell_that_is_not_ok_says_why(connection: duckdb.DuckDBPyConnection) -> None:
    answers(connection, "team:a", 7)
    run(connection, "enps", "nps", "won_deals", "pipeline_velocity", "closed_opportunities", "win_rate", "avg_deal_size",
        "sales_cycle_days")  # fmt: skip
    silent = connection.execute(
        "select kpi_id, status from metrics.kpi_value where (status = 'ok') <> (reason is null)"
    ).fetchall()
    assert silent == []


def test_declared_amounts_have_no_interval(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "insert into config.cost_item (cost_id, rollout_id, category, period_start, period_end, amount_base, is_incremental) "
        "values ('c', 'r', 'licence', date '2026-01-01', date '2026-07-01', 181, true)"
    )
    run(connection, "tco")
    months = cells(connection, "tco", "period_start, value, ci_low, ci_high", period_grain="month", **WHOLE)
    lengths = (31, 28, 31, 30, 31, 30)
    assert months[:6] == [(date(2026, 1 + i, 1), pytest.approx(days), None, None) for i, days in enumerate(lengths)]
    assert cells(connection, "tco", "value", period_grain="year", **WHOLE) == [(pytest.approx(181),)]


def test_bands_are_orders_of_magnitude_and_times_since_access(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "insert into core.opportunity (opportunity_id, source_id, is_countable, is_deleted, created_at, closed_at, status, "
        "amount_base) select 'sf:' || i, 'sf', true, false, $at, $at, 'won', "
        "[999.99, 1000, 10000, 999999, 1000000, null][i + 1] from range(6) as r(i)",
        {"at": MARCH},
    )
    run(connection, "win_rate")
    told = cells(connection, "win_rate", "segment_value, n", period_grain="month", period_start=date(2026, 3, 1),
                 segment_dim="size_band")  # fmt: skip
    assert told == [
        ("1: under 1k", 1), ("2: 1k to 10k", 1), ("3: 10k to 100k", 1), ("4: 100k to 1m", 1), ("5: 1m and more", 1),
        ("unknown", 1),
    ]  # fmt: skip


def test_a_model_tells_its_reason_when_there_is_too_little(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "insert into core.customer_transaction (transaction_id, account_id, occurred_at, amount_base) "
        "values ('t', 'sf:a', $at, 100)", {"at": MARCH},
    )  # fmt: skip
    run(connection, "clv_bgnbd")
    assert cells(connection, "clv_bgnbd", "period_start, value, status, reason") == [
        (date(2026, 11, 1), None, "no_data", "only 1 customers, 0 with a repeat purchase")
    ]


def test_amounts_of_a_weak_currency_do_not_overflow(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "insert into core.opportunity (opportunity_id, source_id, is_countable, is_deleted, created_at, closed_at, status, "
        "amount_base, initial_owner_id) select 'sf:' || i, 'sf', true, false, $at, $at, if(i % 2 = 0, 'won', 'lost'), 1e12, "
        "'sf:u' || (i % 7) from range(1000) as r(i)",
        {"at": MARCH},
    )
    run(connection, "win_rate_amount", "won_revenue", "avg_deal_size")
    assert cells(connection, "won_revenue", "value", period_grain="year", **WHOLE) == [(5e14,)]
    assert cells(connection, "win_rate_amount", "value", period_grain="year", **WHOLE) == [(0.5,)]
    assert cells(connection, "avg_deal_size", "value, ci_low", period_grain="year", **WHOLE) == [(1e12, 1e12)]
