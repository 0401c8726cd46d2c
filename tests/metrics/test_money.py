"""Return on investment, benchmarks and product fit on figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from metrics.benchmark import benchmark_gap
from metrics.product_fit import crm_fit_score
from metrics.roi import cash_flow, npv, payback_months, roi_pct

PARAMS = {"discount_annual": 0.0, "horizon_months": 10}
FLOW = (
    "kind", "first_month", "last_month", "cost_base", "monthly", "monthly_low", "monthly_high", "attribution_low",
    "attribution_mode", "attribution_high", "risk_adjustment", "is_judged",
)  # fmt: skip
NAN = np.nan


def flow(*rows: tuple[object, ...]) -> dict[str, np.ndarray]:
    return {name: np.array(column, dtype=object) for name, column in zip(FLOW, zip(*rows, strict=True), strict=True)}


SETUP = ("cost", 0.0, 1.0, 600.0, NAN, NAN, NAN, NAN, NAN, NAN, NAN, True)
CERTAIN = ("benefit", 2.0, NAN, NAN, 200.0, 200.0, 200.0, 1.0, 1.0, 1.0, 0.5, True)
DOUBTFUL = ("benefit", 2.0, NAN, NAN, 200.0, 8.0, 392.0, 0.5, 0.7, 1.0, 1.0, True)
UNJUDGED = ("benefit", 2.0, NAN, NAN, NAN, NAN, NAN, 1.0, 1.0, 1.0, 1.0, False)


def test_a_flow_without_doubt_is_arithmetic() -> None:
    # 600 in month 0; 200 x 0.5 in each of months 2…9: 800
    columns = flow(SETUP, CERTAIN, UNJUDGED)
    assert npv(columns, PARAMS)[0].value == pytest.approx(200)
    assert roi_pct(columns, PARAMS)[0].value == pytest.approx(100 * 200 / 600)
    assert payback_months(columns, PARAMS)[0].value == 7
    assert npv(columns, PARAMS)[0].n == 1
    discounted = npv(columns, {**PARAMS, "discount_annual": 0.1})[0].value
    assert discounted == pytest.approx(-600 + sum(100 / 1.1 ** (month / 12) for month in range(2, 10)))


def test_doubt_widens_the_interval_around_the_median() -> None:
    (told,) = npv(flow(SETUP, DOUBTFUL), PARAMS)
    assert told.low is not None and told.value is not None and told.high is not None
    assert told.low < told.value < told.high
    # 8 months x 200 x mean attribution 0.733
    assert told.value == pytest.approx(8 * 200 * 0.733 - 600, abs=40)


def test_costs_are_spread_over_their_months() -> None:
    year = ("cost", 0.5, 4.5, 400.0, *[NAN] * 7, True)
    found = cash_flow(flow(year, CERTAIN), PARAMS)
    assert not isinstance(found, str)
    assert found.costs.tolist() == pytest.approx([50, 100, 100, 100, 50, 0, 0, 0, 0, 0])


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((SETUP,), "no benefits are declared"),
        ((CERTAIN,), "no costs are declared"),
        ((SETUP, UNJUDGED), "no benefit rests on a KPI with a verdict"),
    ],
)
def test_half_a_flow_is_unknown_and_says_why(rows: tuple[tuple[object, ...], ...], said: str) -> None:
    for told in (roi_pct(flow(*rows), PARAMS), npv(flow(*rows), PARAMS), payback_months(flow(*rows), PARAMS)):
        assert (told[0].value, told[0].reason) == (None, said)


def test_what_never_pays_back_says_so() -> None:
    dear = ("cost", 0.0, 1.0, 1e6, *[NAN] * 7, True)
    (told,) = payback_months(flow(dear, CERTAIN), PARAMS)
    assert (told.value, told.reason) == (None, "not within the horizon in most draws")


def test_gaps_are_turned_so_that_more_is_better() -> None:
    columns = {
        "kpi_id": np.array(["hours", "nothing", "rate"], dtype=object), "value": np.array([12.0, NAN, 0.3]),
        "ci_low": np.array([10.0, NAN, 0.2]), "ci_high": np.array([14.0, NAN, 0.4]), "n": np.array([50, 0, 90]),
        "benchmark": np.array([24.0, 5.0, 0.2]), "sign": np.array([-1.0, 1.0, 1.0]),
    }  # fmt: skip
    whole, hours, nothing, rate = benchmark_gap(columns, {})
    assert (hours.value, hours.low, hours.high) == pytest.approx((0.5, 10 / 24, 14 / 24))
    assert (rate.value, rate.low, rate.high) == pytest.approx((0.5, 0.0, 1.0))
    assert (nothing.value, nothing.reason) == (None, "no final quarter of the KPI")
    assert (whole.value, whole.n) == (pytest.approx(0.5), 2)


def scores(*rows: tuple[str, str, str, float, float, float, float, bool]) -> dict[str, np.ndarray]:
    names = ("product_id", "criterion_id", "rater", "score", "weight", "weight_low", "weight_high", "is_must_have")
    found = {name: np.array(column, dtype=object) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
    return {**found, "scale_min": np.ones(len(rows)), "scale_max": np.full(len(rows), 5.0)}


def test_products_are_scored_by_weight_after_what_they_must_have() -> None:
    told = crm_fit_score(
        scores(
            ("a", "price", "x", 5, 3, 1, 4, False), ("a", "api", "x", 3, 1, 1, 1, True),
            ("b", "price", "x", 5, 3, 1, 4, False), ("b", "api", "x", 2, 1, 1, 1, True),
            ("c", "price", "x", 4, 3, 1, 4, False),
            ("d", "price", "x", 3, 3, 3, 3, False), ("d", "price", "y", 5, 3, 3, 3, False), ("d", "api", "y", 5, 1, 1, 1, True),
        ), {"must_have_share": 0.5},
    )  # fmt: skip
    a, b, c, d = told
    assert a.value == pytest.approx(100 * (3 * 1.0 + 1 * 0.5) / 4)
    assert a.low is not None and a.high is not None and a.low < (a.value or 0) < a.high
    assert (b.value, b.reason) == (None, "misses the must-have api")
    assert (c.value, c.reason) == (None, "has no score for api")
    assert d.value == pytest.approx(100 * (3 * 0.75 + 1) / 4)
