"""The imputation estimator: by hand, against a Poisson regression, and with weeks of nothing."""

from __future__ import annotations

import numpy as np
import pytest

from metrics.staggered import Cells, estimate, fit, jackknife_error, leave_one_out


def two_by_two(num: list[list[float]], multiplicative: bool = True) -> Cells:
    """Two teams, two blocks, the first team live in the second block."""
    values = np.array(num)
    before = np.array([[True, False], [True, True]])
    return Cells(values, np.ones((2, 2)), before, ~before, multiplicative)


def test_two_teams_two_times_is_the_ratio_of_ratios() -> None:
    found = estimate(two_by_two([[10, 18], [20, 24]]), 1)
    assert np.exp(found.effect) == pytest.approx((18 / 10) / (24 / 20))
    assert found.counterfactual == pytest.approx(12)


def test_two_teams_two_times_additive_is_difference_in_differences() -> None:
    found = estimate(two_by_two([[-3, 5], [2, 4]], multiplicative=False), 1)
    assert found.effect == pytest.approx((5 - -3) - (4 - 2))


def test_agrees_with_a_poisson_regression_on_the_untouched_cells() -> None:
    import statsmodels.api as sm

    rng = np.random.default_rng(4)
    teams, blocks = 7, 6
    den = rng.uniform(1, 5, (teams, blocks))
    num = rng.poisson(den * rng.uniform(1, 9, (teams, 1)) * rng.uniform(0.5, 2, (1, blocks))).astype(float)
    before = np.add.outer(np.arange(teams), np.arange(blocks)) < 8
    team, block = np.indices((teams, blocks))
    x = np.column_stack([team.ravel()[:, None] == np.arange(teams), block.ravel()[:, None] == np.arange(1, blocks)])
    keep = before.ravel()
    model = sm.GLM(
        num.ravel()[keep], x[keep].astype(float), family=sm.families.Poisson(), offset=np.log(den.ravel()[keep])
    ).fit()
    expected = np.exp(x.astype(float) @ model.params).reshape(teams, blocks)
    a, b = fit(Cells(num, den, before, ~before), before.astype(float)[None])
    assert a[0][:, None] * b[0][None, :] == pytest.approx(expected, rel=1e-5)


def test_zeros_do_no_harm_and_a_team_without_history_is_left_out() -> None:
    num = np.array([[0.0, 0, 4, 9], [3, 0, 5, 6], [2, 4, 6, 8], [0, 0, 0, 7]])
    before = np.array([[1, 1, 1, 0], [1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 0, 0]], dtype=bool)
    after = np.array([[0, 0, 0, 1], [0] * 4, [0] * 4, [0, 0, 0, 1]], dtype=bool)
    found = estimate(Cells(num, np.ones((4, 4)), before, after), 2)
    assert found.usable.tolist()[0] == [False, False, False, True]
    assert not found.usable[3].any()
    assert np.isfinite(found.effect)


def test_times_with_too_few_untouched_teams_are_not_used() -> None:
    cells = two_by_two([[10, 18], [20, 24]])
    assert not estimate(cells, 2).usable.any()


def test_joining_blocks_leaves_the_estimate_of_counts_as_it_is() -> None:
    rng = np.random.default_rng(5)
    num = rng.poisson(20, (6, 12)).astype(float)
    start = np.array([6, 6, 9, 9, 12, 12])
    before = np.arange(12)[None, :] < start[:, None]
    fine = Cells(num, np.ones((6, 12)), before, ~before)
    cuts = [0, 6, 9]
    joined = Cells(
        np.add.reduceat(num, cuts, 1), np.add.reduceat(np.ones((6, 12)), cuts, 1), before[:, cuts], ~before[:, cuts]
    )
    assert estimate(fine, 2).effect == pytest.approx(estimate(joined, 2).effect, abs=1e-6)


def test_leave_one_out_is_the_estimate_without_that_team() -> None:
    rng = np.random.default_rng(6)
    num = rng.poisson(30, (6, 3)).astype(float)
    before = np.array([[1, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1], [1, 1, 1], [1, 1, 1]], dtype=bool)
    cells = Cells(num, np.ones((6, 3)), before, ~before)
    whole = estimate(cells, 2)
    without = leave_one_out(cells, whole.usable)
    keep = np.arange(6) != 1
    part = Cells(num[keep], np.ones((5, 3)), before[keep], ~before[keep])
    assert without[1] == pytest.approx(estimate(part, 2).effect, abs=1e-6)


def test_jackknife_of_a_mean_is_its_standard_error() -> None:
    values = np.array([1.0, 4.0, 6.0, 9.0])
    without = np.array([np.delete(values, i).mean() for i in range(4)])
    error, df = jackknife_error(float(values.mean()), without)
    assert error == pytest.approx(values.std(ddof=1) / 2)
    assert df == 3


def test_an_effect_that_hangs_on_one_team_has_no_error() -> None:
    error, df = jackknife_error(0.1, np.array([0.1, np.nan, 0.2]))
    assert np.isnan(error)
    assert np.isnan(df)
