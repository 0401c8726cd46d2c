"""Frozen looks and what they may spend."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from metrics.looks import choose, left_learning, look_alphas, look_dates
from tests.metrics.worlds import rollout


def test_the_three_looks_together_err_at_most_five_percent() -> None:
    rng = np.random.default_rng(1)
    times = np.array([0.25, 0.5, 1.0])
    paths = np.cumsum(rng.normal(size=(200_000, 3)) * np.sqrt(np.diff(np.r_[0, times])), axis=1) / np.sqrt(times)
    bounds = stats.norm.isf(np.array(list(look_alphas(0.05).values())) / 2)
    assert (np.abs(paths) > bounds).any(1).mean() == pytest.approx(0.05, abs=0.002)


def test_the_first_look_spends_what_a_pocock_like_function_allows() -> None:
    assert look_alphas(0.05)["13w"] == pytest.approx(0.05 * np.log(1 + (np.e - 1) * 0.25), abs=5e-4)


def test_looks_count_from_the_day_half_of_the_teams_left_learning() -> None:
    question = rollout(teams=8, never=2, waves=3, rate=1)
    dates = np.sort(question.go_live[~np.isnat(question.go_live)])
    assert left_learning(question) == dates[2] + np.timedelta64(42, "D")
    assert look_dates(question)["26w"] - look_dates(question)["13w"] == np.timedelta64(91, "D")


def test_the_newest_look_reached_is_chosen_and_earlier_data_only() -> None:
    question = replace(rollout(rate=1), alpha_policy="looks")
    look = choose(question)
    assert look.name == "26w"
    assert look.end == look_dates(question)["26w"] <= question.as_of
    assert look.alpha < 0.05


def test_before_the_first_look_it_is_provisional() -> None:
    question = replace(rollout(rate=1, first_week=90, gap_weeks=1), alpha_policy="looks")
    assert choose(question).name == "provisional"


def test_a_look_ahead_of_time_is_refused() -> None:
    question = replace(rollout(rate=1), alpha_policy="looks")
    with pytest.raises(ValueError, match="52w"):
        choose(question, "52w")


def test_assess_is_one_planned_look_with_all_its_alpha() -> None:
    look = choose(rollout(rate=1))
    assert (look.name, look.alpha) == ("single", 0.05)


def test_no_go_live_no_looks() -> None:
    question = rollout(teams=3, never=3, rate=1)
    assert left_learning(question) is None
    assert look_dates(question) == {}
