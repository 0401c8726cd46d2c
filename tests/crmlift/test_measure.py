"""From unit rows to values: periods of the reporting time zone, intervals against oracles, unknown against zero."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

import duckdb
import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from crmlift.measure import measure
from crmlift.registry import load_registry
from crmlift.sql_models import METRICS, load_models
from crmlift.sql_runner import check_models
from tests.golden import AS_OF, warehouse

KPIS = {kpi.kpi_id: kpi for kpi in load_registry()}
DAY = timedelta(days=1)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with warehouse() as opened:
        yield opened


def run(connection: duckdb.DuckDBPyConnection, *kpi_ids: str, as_of: datetime = AS_OF, run_id: str = "r") -> None:
    measure(connection, [KPIS[k] for k in kpi_ids], as_of=as_of, timezone="Europe/Kyiv", run_id=run_id)


def won(
    connection: duckdb.DuckDBPyConnection, closed: Sequence[datetime], amounts: Sequence[float], **columns: object
) -> None:
    """Won deals with these closing times and amounts."""
    given = {
        "status": "won",
        "is_countable": True,
        "is_deleted": False,
        "source_id": "sf",
        "team_id": "team:a",
        **columns,
    }
    names = ", ".join(given)
    connection.executemany(
        f"insert into core.opportunity (opportunity_id, created_at, closed_at, amount_base, {names}) "
        f"values (uuid(), ?, ?, ?, {', '.join('?' * len(given))})",
        [[at - 30 * DAY, at, amount, *given.values()] for at, amount in zip(closed, amounts, strict=True)],
    )


def values(
    connection: duckdb.DuckDBPyConnection, kpi_id: str, grain: str, **where: str
) -> dict[date, dict[str, object]]:
    """Period start → value row, everybody unless told."""
    chosen = {"segment_dim": "all", "segment_value": "all", "source_id": "all", **where}
    found = connection.execute(
        "select period_start, * from metrics.kpi_value where kpi_id = $kpi and period_grain = $grain "
        + " ".join(f"and {name} = ${name}" for name in chosen),
        {"kpi": kpi_id, "grain": grain, **chosen},
    )
    names = [column[0] for column in found.description or ()]
    return {row[0]: dict(zip(names, row, strict=True)) for row in found.fetchall()}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


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


def test_intervals_agree_with_reference_implementations(connection: duckdb.DuckDBPyConnection) -> None:
    rng = np.random.default_rng(20261123)
    amounts = np.round(rng.lognormal(5, 1, 40), 2)
    won(connection, [at("2026-03-10T12:00")] * 40, amounts.tolist())
    won(connection, [at("2026-03-10T12:00")] * 60, np.round(rng.lognormal(5, 1, 60), 2).tolist(), status="lost")
    run(connection, "won_revenue", "won_deals", "avg_deal_size", "win_rate", "win_rate_amount")

    def month(kpi_id: str) -> tuple[float, float, float]:
        row = values(connection, kpi_id, "month")[date(2026, 3, 1)]
        return float(str(row["value"])), float(str(row["ci_low"])), float(str(row["ci_high"]))

    mean = stats.t.interval(0.95, 39, loc=amounts.mean(), scale=stats.sem(amounts))
    assert month("avg_deal_size") == pytest.approx((amounts.mean(), *mean), rel=1e-4)
    assert month("win_rate") == pytest.approx((0.4, *proportion_confint(40, 100, method="wilson")), rel=1e-6)
    exact = (stats.chi2.ppf(0.025, 80) / 2, stats.chi2.ppf(0.975, 82) / 2)
    assert month("won_deals") == pytest.approx((40, *exact), rel=2e-3)
    spread = 1.959964 * math.sqrt((amounts**2).sum())
    assert month("won_revenue") == pytest.approx(
        (amounts.sum(), amounts.sum() - spread, amounts.sum() + spread), rel=1e-6
    )
    pairs = np.array(
        connection.execute("select num, den from metrics.kpi_unit where kpi_id = 'win_rate_amount'").fetchall()
    )
    ratio = pairs[:, 0].sum() / pairs[:, 1].sum()
    error = np.sqrt(((pairs[:, 0] - ratio * pairs[:, 1]) ** 2).sum() * 100 / 99) / pairs[:, 1].sum()
    half = stats.t.ppf(0.975, 99) * error
    assert month("win_rate_amount") == pytest.approx((ratio, ratio - half, ratio + half), rel=1e-4)


def test_medians_agree_with_lifelines(connection: duckdb.DuckDBPyConnection) -> None:
    lifelines = pytest.importorskip("lifelines")
    from lifelines.utils import median_survival_times

    rng = np.random.default_rng(7)
    expected = {}
    for month in range(1, 7):
        days = np.ceil(rng.exponential(20, 80))  # whole days: many ties
        open_after = np.ceil(rng.uniform(1, 60, 80))
        ended, lasted = days <= open_after, np.minimum(days, open_after)
        created = datetime(2026, month, 10, 9, tzinfo=UTC)
        # censored before as_of: given up without any answer
        connection.executemany(
            "insert into core.lead (lead_id, source_id, lead_basis, status_group, created_at, first_touch_at, "
            "disqualified_at, is_deleted) values (uuid(), 'sf', 'sf_lead', 'working', ?, ?, ?, false)",
            [
                [created, created + DAY * d if e else None, None if e else created + DAY * d]
                for d, e in zip(lasted.tolist(), ended.tolist(), strict=True)
            ],
        )
        fitted = lifelines.KaplanMeierFitter().fit(lasted * 1440, ended)
        band = median_survival_times(fitted.confidence_interval_).iloc[0].tolist()
        expected[date(2026, month, 1)] = (fitted.median_survival_time_, *band, int(ended.sum()), int((~ended).sum()))
    run(connection, "lead_response_minutes")
    months = values(connection, "lead_response_minutes", "month")
    for start, figures in expected.items():
        row = months[start]
        assert [row[c] for c in ("value", "ci_low", "ci_high", "n", "n_censored")] == pytest.approx(figures)


def test_a_median_that_is_not_reached_is_unknown(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "insert into core.ticket (ticket_id, source_id, created_at, closed_at, is_countable, is_deleted, reopen_count, status) "
        "select 'hs:' || i, 'hs', timestamptz '2026-10-05 10:00:00+00', "
        "case when i < 40 then timestamptz '2026-10-06 10:00:00+00' end, true, false, 0, 'open' from range(100) as r(i)"
    )
    run(connection, "resolution_hours")
    row = values(connection, "resolution_hours", "month")[date(2026, 10, 1)]
    assert (row["value"], row["status"], row["is_mature"], row["n"], row["n_censored"]) == (
        None, "median_not_reached", False, 40, 60,
    )  # fmt: skip


def test_nps_and_its_variance(connection: duckdb.DuckDBPyConnection) -> None:
    scores = [10] * 8 + [8] * 9 + [3] * 22
    connection.executemany(
        "insert into core.survey_response (response_id, source_id, audience, survey_kind, respondent_key, responded_at, "
        "score, scale_min, scale_max, is_deleted) values (uuid(), 'hs', 'customer', 'nps', uuid(), "
        "timestamptz '2026-03-05 10:00:00+00', ?, 0, 10, false)",
        [[s] for s in scores],
    )
    run(connection, "nps")
    row = values(connection, "nps", "month")[date(2026, 3, 1)]
    p, d = 8 / 39, 22 / 39
    half = 1.959964 * 100 * math.sqrt((p + d - (p - d) ** 2) / 39)
    expected = (-100 * 14 / 39, -100 * 14 / 39 - half, -100 * 14 / 39 + half)
    assert (row["value"], row["ci_low"], row["ci_high"]) == pytest.approx(expected, rel=1e-6)
    assert row["status"] == "too_few"


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
