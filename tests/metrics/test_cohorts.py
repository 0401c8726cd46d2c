"""Many cohorts at once give what each gives by itself: the curve of metrics.durations, lifelines' shares."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.cohorts import gathered, medians, shares
from metrics.durations import kaplan_meier, quantile


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 12), st.booleans()), min_size=1, max_size=120))
def test_medians_are_those_of_each_cohort_alone(cases: list[tuple[int, int, bool]]) -> None:
    cases.sort(key=lambda case: (case[1], not case[2]))
    cell, time, ended = (np.array(column) for column in zip(*cases, strict=True))
    found, low, high = medians(gathered(cell, 4, np.arange(len(cell))), time.astype(float), ended)
    for k in range(4):
        own = cell == k
        expected = quantile(kaplan_meier(time[own].astype(float), ended[own]), 0.5) if own.any() else None
        assert (None if np.isnan(found[k]) else found[k]) == expected
        assert np.isnan(found[k]) or low[k] <= found[k]
        assert np.isnan(high[k]) or found[k] <= high[k]


def test_more_cells_than_sixteen_bits_hold() -> None:
    cell = np.random.default_rng(1).integers(0, 200_000, 5_000)
    cohorts = gathered(cell, 200_000, np.arange(5_000))
    assert (np.diff(cohorts.cell) >= 0).all()
    assert (np.diff(cohorts.order)[np.diff(cohorts.cell) == 0] > 0).all()
    assert cohorts.totals(np.full(5_000, 2**40 + 1))[cell[0]] == (2**40 + 1) * (cell == cell[0]).sum()


def test_shares_of_the_ways_to_end_add_up_without_open_cases() -> None:
    time, cause = np.arange(1.0, 11.0), np.array([0, 1] * 5)
    cohorts = gathered(np.zeros(10, dtype=np.int64), 1, np.arange(10))
    won, lost = shares(cohorts, time, np.ones(10, dtype=bool), cause, 2, 10.0)
    assert won.value[0] + lost.value[0] == pytest.approx(1.0)
    assert (won.ended[0], lost.ended[0], won.half_time[0]) == (5, 5, 5.0)
    assert won.ci_low[0] < won.value[0] < won.ci_high[0]
