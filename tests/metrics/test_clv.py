"""Customer lifetime value against the figures published for CDNOW."""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from metrics.clv import (
    Customers,
    bgnbd_log_likelihood,
    clv_bgnbd,
    expected_margin,
    expected_purchases,
    fit_bgnbd,
    fit_gamma_gamma,
    lifetime_value,
)  # fmt: skip

CDNOW = Path(__file__).parents[2].parent / "shared" / "data" / "cdnow"
SUMMARY, SAMPLE = CDNOW / "cdnow_customers_summary.csv", CDNOW / "CDNOW_sample.txt"
needs_cdnow = pytest.mark.skipif(not SUMMARY.exists(), reason="the CDNOW data are not beside the repository")
PARAMS = {"horizon_months": 36, "discount_annual": 0.10, "min_customers": 100, "margin_share": 1.0}


def customers(*rows: tuple[float, float, float, float]) -> Customers:
    return Customers(*(np.array(column, dtype=float) for column in zip(*rows, strict=True)))


@pytest.fixture(scope="module")
def cdnow() -> Customers:
    with SUMMARY.open(encoding="utf-8") as file:
        rows = [(float(r["frequency"]), float(r["recency"]), float(r["T"]), 0.0) for r in csv.DictReader(file)]
    return customers(*rows)


@needs_cdnow
def test_bgnbd_agrees_with_the_paper(cdnow: Customers) -> None:
    # Fader, Hardie, Lee 2005, table 2 and section 6: 2,357 customers, 39 weeks
    fit = fit_bgnbd(cdnow)
    assert fit.params == pytest.approx([0.243, 4.414, 0.793, 2.426], abs=5e-4)
    assert fit.log_likelihood == pytest.approx(-9582.4, abs=0.05)
    # customer 0001 of the paper's example: x = 2, t_x = 30.43, T = 38.86
    assert expected_purchases(fit.params, customers((2, 30.43, 38.86, 0)), 39.0)[0] == pytest.approx(1.226, abs=5e-4)


@needs_cdnow
def test_gamma_gamma_agrees_with_the_note() -> None:
    # Fader and Hardie 2013, section 4: 946 repeat customers, p = 6.25, q = 3.74, v = 15.44
    spent: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for line in SAMPLE.read_text(encoding="utf-8").splitlines():
        _, customer, day, _, amount = line.split()
        if date.fromisoformat(f"{day[:4]}-{day[4:6]}-{day[6:]}") <= date(1997, 9, 30):
            spent[customer][day] += float(amount)
    rows = [
        (len(days) - 1, 0.0, 0.0, float(np.mean([days[d] for d in sorted(days)[1:]])))
        for days in spent.values()
        if len(days) > 1
    ]
    assert len(rows) == 946
    fit = fit_gamma_gamma(customers(*rows))
    assert fit.params == pytest.approx([6.25, 3.74, 15.44], abs=0.005)
    assert expected_margin(fit.params, customers((0, 0, 0, 0)))[0] == pytest.approx(35.17, abs=0.02)


def simulated(n: int = 1500) -> Customers:
    """Customers of a BG/NBD and Gamma-Gamma world."""
    rng = np.random.default_rng(5)
    rate, drop = rng.gamma(0.8, 1 / 9.0, n), rng.beta(0.9, 2.5, n)
    level = 6.0 / rng.gamma(4.0, 1 / 15.0, n)
    rows = []
    for i in range(n):
        age, at, times = 100.0, 0.0, []
        while rng.random() >= (drop[i] if times else 0.0):
            at += rng.exponential(1 / rate[i])
            if at > age:
                break
            times.append(at)
        margin = float(np.mean(rng.gamma(6.0, level[i] / 6.0, len(times)))) if times else 0.0
        rows.append((len(times), times[-1] if times else 0.0, age, margin))
    return customers(*rows)


def test_the_maximum_is_one_and_no_value_is_negative() -> None:
    found = simulated()
    purchases, margins = fit_bgnbd(found), fit_gamma_gamma(found)
    for move in np.eye(4) * 0.05:
        for sign in (-1, 1):
            assert bgnbd_log_likelihood(purchases.log_params + sign * move, found) < purchases.log_likelihood
    assert margins.params == pytest.approx([6.0, 4.0, 15.0], rel=0.5)
    value = lifetime_value(purchases.params, margins.params, found, 36, 0.10)
    assert (value >= 0).all()
    assert (lifetime_value(purchases.params, margins.params, found, 12, 0.10) < value + 1e-12).all()
    undiscounted = lifetime_value(purchases.params, margins.params, found, 36, 0.0)
    expected = expected_purchases(purchases.params, found, 36 * 365.25 / 84) * expected_margin(margins.params, found)
    assert undiscounted == pytest.approx(expected)


def columns(found: Customers, **more: list[str]) -> dict[str, np.ndarray]:
    given = {"frequency": found.frequency, "recency": found.recency, "age": found.age, "mean_margin": found.margin}
    return {**given, **{name: np.array(values, dtype=object) for name, values in more.items()}}


def test_everybody_and_each_segment_is_told_and_segments_average_to_the_whole() -> None:
    found = simulated()
    regions = ["East" if i % 3 else "West" for i in range(len(found.age))]
    told = {(e.segment_dim, e.segment_value): e for e in clv_bgnbd(columns(found, region=regions), PARAMS)}
    assert set(told) == {("all", "all"), ("region", "East"), ("region", "West")}
    whole = told["all", "all"]
    assert whole.low is not None and whole.value is not None and whole.high is not None
    assert 0 < whole.low < whole.value < whole.high
    parts = [told["region", name] for name in ("East", "West")]
    assert sum(e.n * (e.value or 0) for e in parts) / whole.n == pytest.approx(whole.value)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (customers(*[(1.0, 5.0, 10.0, 3.0)] * 50), "only 50 customers"),
        (customers(*[(0.0, 0.0, 10.0, 0.0)] * 500), "0 with a repeat purchase"),
    ],
)
def test_too_few_customers_are_told_as_such(found: Customers, said: str) -> None:
    (only,) = clv_bgnbd(columns(found), PARAMS)
    assert only.value is None
    assert said in str(only.reason)


def test_margins_that_hang_on_frequency_are_refused() -> None:
    found = simulated()
    tied = Customers(
        found.frequency, found.recency, found.age, np.where(found.frequency > 0, 10.0 * found.frequency, 0)
    )
    (only,) = clv_bgnbd(columns(tied), PARAMS)
    assert only.value is None
    assert "rank correlation 1.00" in str(only.reason)


def test_nobody_has_no_value() -> None:
    assert clv_bgnbd(columns(Customers(*(np.zeros(0),) * 4)), PARAMS) == []
