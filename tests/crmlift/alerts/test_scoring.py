"""The alert statistics against hand calculations and independent implementations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from crmlift.alerts import scoring


def test_two_proportions_by_hand() -> None:
    # 30 of 100 against 5 × 40 of 100: pooled 230/600, error √(.38333·.61667·(1/100 + 1/500)) = .053261, z = .1/.053261
    test = scoring.two_proportions(30, 100, [40] * 5, [100] * 5, bad_sign=-1)
    assert test is not None
    assert (test.observed, test.expected) == (0.30, 0.40)
    assert test.z == pytest.approx(1.87756, abs=1e-4)
    assert test.p_value == pytest.approx(0.03022, abs=1e-4)


def test_weeks_that_vary_more_than_coin_tosses_widen_the_error() -> None:
    # 20 and 60 of 100 around 40 %: Pearson χ² = 2·400/24 = 33.33 on 1 degree, so the error grows by √33.33
    calm = scoring.two_proportions(30, 100, [40, 40], [100, 100], bad_sign=-1)
    restless = scoring.two_proportions(30, 100, [20, 60], [100, 100], bad_sign=-1)
    assert calm is not None and restless is not None
    assert calm.z / restless.z == pytest.approx(math.sqrt(100 / 3))


def test_direction_decides_which_change_is_bad() -> None:
    rise = scoring.two_proportions(50, 100, [40] * 3, [100] * 3, bad_sign=1)
    assert rise is not None and rise.z > 0
    same = scoring.two_proportions(50, 100, [40] * 3, [100] * 3, bad_sign=-1)
    assert same is not None and same.z == -rise.z


@pytest.mark.parametrize(("hits", "n", "past_hits", "past_n"), [(0, 0, [4], [10]), (3, 9, [], []), (0, 9, [0], [10])])
def test_no_test_without_two_sides_or_variation(hits: int, n: int, past_hits: list[int], past_n: list[int]) -> None:
    assert scoring.two_proportions(hits, n, past_hits, past_n, bad_sign=-1) is None


def test_welch_agrees_with_scipy() -> None:
    rng = np.random.default_rng(1)
    now, past = rng.gamma(2, 40, 50), rng.gamma(2, 50, 300)
    ours = scoring.welch(now, past, bad_sign=-1)
    theirs = stats.ttest_ind(now, past, equal_var=False, alternative="less")
    assert ours is not None
    assert ours.p_value == pytest.approx(float(theirs.pvalue))
    assert scoring.welch(np.ones(5), np.ones(5), bad_sign=-1) is None


def test_log_rank_and_median_agree_with_lifelines() -> None:
    lifelines = pytest.importorskip("lifelines")
    from lifelines.statistics import logrank_test

    rng = np.random.default_rng(2)
    now, past = np.round(rng.exponential(14, 80)) + 1, np.round(rng.exponential(10, 400)) + 1
    now_done, past_done = rng.random(80) < 0.7, rng.random(400) < 0.9
    ours = scoring.slower(now, now_done, past, past_done)
    theirs = logrank_test(now, past, now_done, past_done)
    assert ours is not None
    assert ours.z**2 == pytest.approx(theirs.test_statistic)
    assert ours.z > 0
    fitter = lifelines.KaplanMeierFitter().fit(past, past_done)
    assert ours.expected == fitter.median_survival_time_


def test_median_is_unknown_until_half_are_done() -> None:
    times = np.array([1.0, 2.0, 9.0, 9.0, 9.0])
    assert scoring.median_time(times, np.array([True, True, False, False, False])) is None
    assert scoring.median_time(times, np.array([True, True, True, False, False])) == 9.0


def test_martingale_residuals_balance_and_point_at_the_slow() -> None:
    past = np.array([1.0, 2.0, 3.0, 4.0])
    done = np.array([True] * 4)
    # Nelson–Aalen: 1/4, +1/3, +1/2, +1; each less its own event
    assert scoring.martingale(past, done, past, done) == pytest.approx([-3 / 4, -5 / 12, 1 / 12, 13 / 12])
    still_open = scoring.martingale(np.array([4.0]), np.array([False]), past, done)
    assert still_open == pytest.approx([25 / 12])


def test_benjamini_hochberg() -> None:
    # Benjamini and Hochberg 1995, table of 15: at 5 % the first four are rejected
    p = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.3240,
        0.4262,
        0.5719,
        0.6528,
        0.7590,
        1,
    ]
    assert scoring.rejected(p, 0.05) == [True] * 4 + [False] * 11
    assert scoring.rejected(p[::-1], 0.05) == [False] * 11 + [True] * 4
    assert scoring.rejected([], 0.05) == []


def test_poisson_floor() -> None:
    assert scoring.poisson_floor(100, 100, 0) == pytest.approx(math.sqrt(100) / 101)
    assert scoring.poisson_floor(1e6, 25, 1.0) == pytest.approx(math.sqrt(2 / 25), rel=1e-5)


def test_pooled_score_adds_evidence() -> None:
    z, p = scoring.pooled_score([2.0, 2.0, 2.0])
    assert z == pytest.approx(2 * math.sqrt(3))
    assert p == pytest.approx(float(stats.norm.sf(2 * math.sqrt(3))))
    assert scoring.robust_scale(np.array([-1.0, 1.0, -2.0])) == pytest.approx(1.4826)
