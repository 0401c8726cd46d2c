"""Composites: the expression, and that parts drawn together give honest intervals."""

from __future__ import annotations

import numpy as np
import pytest

from metrics.composite import Part, evaluated, interval, joint_interval, replicates, weights


def test_expressions_are_arithmetic_over_names() -> None:
    values = {"a": np.array([6.0, 1.0]), "b": np.array([2.0, 0.0]), "d": np.asarray(0.5)}
    assert evaluated("a / b", values).tolist() == pytest.approx([3.0, np.nan], nan_ok=True)
    assert evaluated("-a * (1 + d - b) / 3", values).tolist() == pytest.approx([1.0, -0.5])


@pytest.mark.parametrize("expr", ["a ** 2", "__import__('os')", "a if a else a", "c + a", "'a'", "a.real"])
def test_anything_else_is_refused(expr: str) -> None:
    with pytest.raises(ValueError, match="a composite may hold"):
        evaluated(expr, {"a": np.array([1.0])})


def part(kind: str, num: np.ndarray, observed: np.ndarray | None = None, *, is_exact: bool = False) -> Part:
    n = len(num)
    seen = np.ones(n, dtype=bool) if observed is None else observed
    return Part(kind, np.zeros(n, dtype=np.int64), np.arange(n), num.astype(float), np.ones(n), seen, is_exact)


@pytest.mark.parametrize(("kind", "expected"), [("sum", 12.0), ("mean", 3.0), ("count", 12.0), ("nps", 300.0)])
def test_weights_of_one_give_the_value_itself(kind: str, expected: float) -> None:
    assert replicates(part(kind, np.array([1, 2, 4, 5])), np.ones((4, 1)), 1)[0, 0] == pytest.approx(expected)


def test_medians_count_the_unfinished() -> None:
    from lifelines import KaplanMeierFitter

    rng = np.random.default_rng(3)
    lasted, until = np.ceil(rng.exponential(20, 300)), np.ceil(rng.uniform(1, 60, 300))
    num, observed = np.minimum(lasted, until), lasted <= until
    drawn = weights(300, 5)
    found = replicates(part("duration", num, observed), drawn, 1)[0]
    for place in range(5):
        kept = drawn[:, place] > 0
        fitted = KaplanMeierFitter().fit(num[kept], observed[kept], weights=drawn[kept, place])
        assert found[place] == fitted.median_survival_time_


def test_a_ratio_of_parts_of_the_same_deals_knows_that_they_are() -> None:
    # sum and count of the same units: their quotient is a mean, whose error is far below that of independent parts
    rng = np.random.default_rng(11)
    amount = rng.lognormal(5, 0.2, 400)
    parts = {"revenue": part("sum", amount), "deals": part("count", np.ones(400))}
    value = np.array([amount.mean()])
    low, high = joint_interval("revenue / deals", parts, {}, value, 400)
    half = 1.96 * amount.std(ddof=1) / 20
    assert (high - low)[0] / 2 == pytest.approx(half, rel=0.25)
    assert low[0] < value[0] < high[0]


def test_declared_costs_add_no_doubt_of_their_own() -> None:
    parts = {"cost": part("sum", np.array([70.0, 30.0]), is_exact=True), "people": part("count", np.ones(2))}
    fixed = {"cost": parts["cost"], "people": Part(**{**vars(parts["people"]), "is_exact": True})}
    low, high = joint_interval("cost / people", fixed, {}, np.array([50.0]), 2)
    assert low[0] == pytest.approx(50) and high[0] == pytest.approx(50)


def test_no_interval_where_many_draws_are_unknown() -> None:
    drawn = np.full((1, 100), np.nan)
    drawn[0, :80] = 1.0
    low, high = interval(np.array([1.0]), drawn)
    assert np.isnan(low[0]) and np.isnan(high[0])
    assert np.isnan(interval(np.array([np.nan]), np.ones((1, 100)))[0][0])


def test_the_draws_are_the_same_every_night() -> None:
    assert (weights(50) == weights(50)).all()
    assert weights(2000).mean() == pytest.approx(1.0, abs=0.01)
