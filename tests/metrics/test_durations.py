"""Kaplan–Meier and pseudo-observations, against lifelines and against leaving each case out."""

from __future__ import annotations

import numpy as np
import pytest

from metrics.durations import kaplan_meier, pseudo_values, quantile, restricted, restricted_mean


@pytest.fixture(name="cases")
def _cases() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    ends, leaves = rng.exponential(30, 200).round() + 1, rng.exponential(60, 200).round() + 1
    return np.minimum(ends, leaves), ends <= leaves


def test_curve_and_restricted_mean_agree_with_lifelines(cases: tuple[np.ndarray, np.ndarray]) -> None:
    lifelines = pytest.importorskip("lifelines")
    from lifelines.utils import restricted_mean_survival_time

    time, observed = cases
    oracle = lifelines.KaplanMeierFitter().fit(time, observed)
    ours = kaplan_meier(time, observed)
    expected = oracle.survival_function_at_times(ours.times).to_numpy()
    assert ours.survival == pytest.approx(expected, abs=1e-12)
    assert restricted_mean(ours, 45) == pytest.approx(restricted_mean_survival_time(oracle, 45), abs=1e-9)
    assert quantile(ours, 0.5) == oracle.median_survival_time_


def test_pseudo_values_average_to_the_restricted_mean_and_follow_the_jackknife(
    cases: tuple[np.ndarray, np.ndarray],
) -> None:
    time, observed = cases
    mean, n = restricted_mean(kaplan_meier(time, observed), 45), len(time)
    values = pseudo_values(time, observed, 45)
    left_out = [
        n * mean - (n - 1) * restricted_mean(kaplan_meier(np.delete(time, i), np.delete(observed, i)), 45)
        for i in range(n)
    ]
    assert values.mean() == pytest.approx(mean, abs=1e-9)
    assert np.abs(values - left_out).max() < 0.1


def test_without_censoring_pseudo_values_are_the_times_themselves() -> None:
    time = np.array([3.0, 3.0, 10.0, 60.0])
    assert pseudo_values(time, np.ones(4, dtype=bool), 45) == pytest.approx([3, 3, 10, 45])


def test_no_cases_no_values() -> None:
    assert len(pseudo_values(np.zeros(0), np.zeros(0, dtype=bool), 10)) == 0


def test_nothing_ended_before_the_limit_means_the_limit() -> None:
    assert pseudo_values(np.full(3, 50.0), np.zeros(3, dtype=bool), 45) == pytest.approx([45, 45, 45])


def test_quantile_that_is_not_reached_is_unknown() -> None:
    curve = kaplan_meier(np.array([1.0, 5.0, 5.0]), np.array([True, False, False]))
    assert quantile(curve, 0.9) is None


def test_restricted_counts_what_lasted_to_the_limit_as_known() -> None:
    time, observed = restricted(np.array([10.0, 50.0]), np.array([False, False]), 45)
    assert time.tolist() == [10, 45]
    assert observed.tolist() == [False, True]
