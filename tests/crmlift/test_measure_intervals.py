"""Intervals, medians and scores against reference implementations."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime

import duckdb
import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from tests.crmlift.measured import DAY, at, run, values, won


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
