"""Intervals from exchanging dates between teams."""

from __future__ import annotations

import numpy as np
import pytest

from metrics.randomisation import draw_assignments, invert
from metrics.staggered import Cells, estimate


def cells_of(effect: float, seed: int, teams: int = 10) -> tuple[Cells, np.ndarray]:
    """Four blocks, three waves and two teams that never start."""
    rng = np.random.default_rng(seed)
    start = np.array([1, 1, 1, 2, 2, 2, 3, 3, 4, 4])[:teams]
    before = np.arange(4)[None, :] < start[:, None]
    mean = rng.uniform(200, 900, (teams, 1)) * np.array([1, 1.1, 1.2, 1.0]) * np.exp(rng.normal(0, 0.05, (teams, 4)))
    num = np.where(before, mean, mean * (1 + effect))
    return Cells(num, np.ones((teams, 4)), before, ~before), start


def test_all_distinct_orders_when_there_are_few_the_actual_one_first() -> None:
    orders = draw_assignments(5, np.array([0, 0, 1, 2, 2]), 1)
    assert len(orders) == 30
    assert np.array([0, 0, 1, 2, 2])[orders[0]].tolist() == [0, 0, 1, 2, 2]


def test_draws_are_the_same_for_the_same_seed() -> None:
    schedule = np.arange(12)
    assert np.array_equal(draw_assignments(12, schedule, 7), draw_assignments(12, schedule, 7))


def test_finds_a_large_effect_and_covers_it() -> None:
    cells, schedule = cells_of(0.4, 2)
    effect = estimate(cells, 2).effect
    found = invert(cells, effect, schedule, 2, 0.95, 1)
    assert 0 < found.low < effect < found.high
    assert found.low < np.log(1.4) < found.high
    assert found.p_value < 0.05


def test_interval_excludes_zero_exactly_when_the_p_value_says_so() -> None:
    for seed in range(8):
        cells, schedule = cells_of(0.06, seed)
        found = invert(cells, estimate(cells, 2).effect, schedule, 2, 0.95, 1)
        assert (found.low > 0 or found.high < 0) == (found.p_value <= 0.05)


def test_false_alarms_stay_near_the_stated_rate() -> None:
    alarms = 0
    for seed in range(100, 140):
        cells, schedule = cells_of(0.0, seed)
        found = invert(cells, estimate(cells, 2).effect, schedule, 2, 0.9, 1)
        alarms += found.p_value <= 0.1
    assert alarms <= 9  # 99.5 % of Binomial(40, 0.1) lies at or below


def test_no_variation_no_interval() -> None:
    before = np.array([[1, 0], [1, 1], [1, 1], [1, 1], [1, 1]], dtype=bool)
    flat = Cells(np.ones((5, 2)), np.ones((5, 2)), before, ~before)
    assert np.isnan(invert(flat, 0.0, np.array([0, 1, 1, 1, 1]), 2, 0.95, 1).p_value)


def test_additive_effects_too() -> None:
    rng = np.random.default_rng(3)
    before = np.arange(3)[None, :] < np.array([1, 1, 1, 2, 2, 2, 3, 3])[:, None]
    values = rng.normal(0, 1, (8, 1)) + rng.normal(0, 0.1, (8, 3)) + np.where(before, 0, 2.0)
    cells = Cells(values, np.ones((8, 3)), before, ~before, multiplicative=False)
    effect = estimate(cells, 2).effect
    found = invert(cells, effect, np.repeat([1, 2, 3], [3, 3, 2]), 2, 0.95, 1)
    assert found.low < 2.0 < found.high
    assert effect == pytest.approx(2.0, abs=0.3)
