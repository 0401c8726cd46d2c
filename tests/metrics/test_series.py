"""The model of one series: its likelihood, its intervals, the calendar, and what it finds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from metrics import series
from metrics.seasons import calendar_terms
from metrics.verdict import judge
from tests.metrics.worlds import noisy_weeks, weekly


def test_independent_noise_gives_the_t_interval_of_least_squares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series, "RHOS", (0.0,))
    rng = np.random.default_rng(2)
    x = np.column_stack([np.ones(40), np.arange(40) >= 25])
    y = rng.normal(size=40)
    found = series.fit(y, x, ("level", "step"), tuple(range(40)), drifts=series.NO_DRIFT)
    import statsmodels.api as sm

    oracle = sm.OLS(y, x).fit()
    assert found.interval(0.95) == pytest.approx(tuple(oracle.conf_int()[1]), abs=1e-6)
    assert found.p_value() == pytest.approx(oracle.pvalues[1], abs=1e-6)


def test_whitening_is_the_inverse_of_the_covariance_of_ar1_and_walk() -> None:
    slots = (0, 1, 2, 5)
    white, half_log_det = series.whiten(np.eye(4), slots, (0.3,))
    k = series.RHOS.index(0.5)
    at = np.array(slots, dtype=float)
    covariance = 0.5 ** np.abs(at[:, None] - at) + 0.09 * (np.minimum(at[:, None], at) + 1)
    assert white[k].T @ white[k] == pytest.approx(np.linalg.inv(covariance))
    assert 2 * half_log_det[k] == pytest.approx(np.linalg.slogdet(covariance)[1])


def test_quantiles_undo_the_distribution() -> None:
    mixture = series.Posterior(np.array([0.3, 0.7]), np.array([0.0, 1.0]), np.array([1.0, 0.5]), 12, 0.0, 0.0)
    low, high = mixture.interval(0.9)
    assert 1 - mixture.tail(low) == pytest.approx(0.05, abs=1e-6)
    assert mixture.tail(high) == pytest.approx(0.05, abs=1e-6)
    assert mixture.centre == pytest.approx(0.7)


def test_autocorrelation_is_recovered_and_widens_the_interval() -> None:
    rng = np.random.default_rng(8)
    noise = np.zeros(200)
    for week in range(1, 200):
        noise[week] = 0.7 * noise[week - 1] + rng.normal()
    x = np.column_stack([np.ones(200), np.arange(200) >= 120])
    found = series.fit(noise, x, ("level", "step"), tuple(range(200)), drifts=series.NO_DRIFT)
    naive = stats.ttest_ind(noise[:120], noise[120:]).confidence_interval(0.95)
    assert 0.55 < found.rho < 0.85
    assert np.diff(found.interval(0.95))[0] > 1.5 * (naive.high - naive.low)


def test_finds_a_large_lasting_change_and_nothing_in_its_absence() -> None:
    changed = judge(weekly(noisy_weeks(effect=0.3), 110))
    assert changed.verdict == "improved"
    assert changed.method == "series_averaged"
    assert changed.effect_rel_ci_low is not None
    assert changed.effect_rel_ci_low < 0.3 < (changed.effect_rel_ci_high or 0)
    assert judge(weekly(noisy_weeks(effect=0.0), 110)).verdict == "inconclusive"


def test_growth_and_season_are_not_an_effect() -> None:
    t = np.arange(156)
    rng = np.random.default_rng(4)
    grown = 100 * np.exp(0.3 * t / 52 + 0.3 * np.sin(2 * np.pi * t / 52.18) + rng.normal(0, 0.03, 156))
    verdict = judge(weekly(grown, 110))
    assert verdict.diagnostics["naive_change_rel"] > 0.3
    assert verdict.verdict == "inconclusive"


def test_a_fall_is_worse_when_higher_is_better_and_better_when_lower_is() -> None:
    values = noisy_weeks(effect=-0.3)
    assert judge(weekly(values, 110)).verdict == "worsened"
    assert judge(weekly(values, 110, better="lower")).verdict == "improved"


def test_values_below_zero_are_modelled_as_they_are() -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(0, 1, 156) + np.where(np.arange(156) >= 110, 4.0, 0.0)
    verdict = judge(weekly(values, 110))
    assert verdict.diagnostics["scale"] == "level"
    assert verdict.verdict == "improved"
    assert verdict.effect == pytest.approx(4, abs=1)


def test_less_than_two_years_before_is_said() -> None:
    verdict = judge(weekly(noisy_weeks(104, go_live_week=70), 70))
    assert any("two full years" in words for words in verdict.caveats)


def test_calendar_terms_by_length_of_slot() -> None:
    weeks = np.arange(np.datetime64("2023-01-02"), np.datetime64("2025-03-01"), 7)
    assert calendar_terms(weeks, 1)[0].shape == (len(weeks) - 1, 7)
    months = np.arange("2019-01", "2024-02", dtype="datetime64[M]").astype("datetime64[D]")
    assert calendar_terms(months, 1)[0].shape == (60 + 0, 11)
    assert calendar_terms(months[:30], 1)[0].shape == (29, 6)
    years = np.arange("2000", "2012", dtype="datetime64[Y]").astype("datetime64[D]")
    assert calendar_terms(years, 1)[0].shape == (11, 0)


def test_quarter_end_follows_the_fiscal_calendar() -> None:
    edges = np.arange(np.datetime64("2024-01-01"), np.datetime64("2024-12-31"), 7)
    calendar, fiscal = calendar_terms(edges, 1)[0], calendar_terms(edges, 2)[0]
    last_of_march = int(np.flatnonzero(edges == np.datetime64("2024-03-25"))[0])
    assert calendar[last_of_march, -3] == 1.0
    assert fiscal[last_of_march, -3] == 0.0
