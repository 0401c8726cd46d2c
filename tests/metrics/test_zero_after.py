"""Everything stops: a fall of all of it, with a bound chance allows, never of more than all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from metrics.question import Question
from metrics.verdict import judge
from tests.metrics.worlds import START, weekly


def returns(rate: float, after: int = 30, seed: int = 1, **asked: Any) -> Question:
    """Returned parcels a week, none any more once labels are printed by the system."""
    t = np.arange(100 + after)
    value = np.random.default_rng(seed).poisson(rate, len(t)) * (t < 100).astype(float)
    return replace(weekly(value, 100, better="lower", **asked), kind="count")


def test_a_count_that_falls_to_nothing_falls_by_all_of_it() -> None:
    verdict = judge(returns(6.0))
    assert (verdict.verdict, verdict.effect_rel, verdict.effect_rel_ci_low) == ("improved", -1.0, -1.0)
    assert verdict.effect_rel_ci_high is not None and -1.0 < verdict.effect_rel_ci_high < -0.9
    assert verdict.post_value == 0.0
    assert verdict.effect_ci_high is not None and verdict.counterfactual_value is not None
    assert verdict.effect == pytest.approx(-verdict.counterfactual_value)
    assert verdict.mde80 is None and verdict.p_value is not None and 0 < verdict.p_value < 1e-6


def test_nothing_of_what_was_rare_may_be_chance() -> None:
    verdict = judge(returns(0.12, after=20))
    assert (verdict.verdict, verdict.reason) == ("inconclusive", "too_noisy")
    assert verdict.effect_rel_ci_low == -1.0
    assert verdict.effect_rel_ci_high is None or verdict.effect_rel_ci_high > 0


def test_more_expected_events_bound_it_closer() -> None:
    ends = [judge(returns(rate)).effect_rel_ci_high for rate in (1.0, 4.0, 16.0)]
    assert all(end is not None for end in ends) and sorted(ends, reverse=True) == ends  # type: ignore[type-var]


def test_overdispersion_widens_it() -> None:
    t = np.arange(130)
    rng = np.random.default_rng(2)
    clumped = rng.poisson(3.0 * rng.gamma(0.5, 2.0, 130)) * (t < 100)
    wide = judge(replace(weekly(clumped, 100), kind="count"))
    narrow = judge(returns(float(clumped[:100].mean())))
    assert (wide.effect_rel_ci_high or 0) > (narrow.effect_rel_ci_high or 0) + 0.01


@pytest.mark.parametrize("kind", ["sum", "mean"])
def test_amounts_that_stop_do_not_fall_by_more_than_all(kind: str) -> None:
    verdict = judge(replace(returns(9.0), kind=kind))  # type: ignore[arg-type]
    assert (verdict.verdict, verdict.effect_rel, verdict.effect_rel_ci_low) == ("improved", -1.0, -1.0)
    assert verdict.effect_rel_ci_high is not None and -1 < verdict.effect_rel_ci_high < -0.5


def test_teams_that_fall_to_nothing() -> None:
    """Eight of sixteen desks record zeros each week after their change; the others go on."""
    rng, week = np.random.default_rng(5), np.arange(110)
    live = np.arange(16) < 8
    value = rng.poisson(4.0, (16, 110)) * ~(live[:, None] & (week[None, :] >= 70))
    question = Question(
        kind="count", better="lower", at=np.tile((START + 7 * week).astype("datetime64[s]"), 16),
        unit=np.repeat(np.arange(16), 110), num=value.ravel().astype(float), den=np.ones(16 * 110),
        observed=np.ones(16 * 110, dtype=bool), alpha_policy="single", is_periodic=True, as_of=START + 770,
        go_live=np.where(live, START + 490, np.datetime64("NaT", "D")), with_check=False,
    )  # fmt: skip
    verdict = judge(question)
    assert (verdict.verdict, verdict.effect_rel, verdict.effect_rel_ci_low) == ("improved", -1.0, -1.0)
    assert verdict.effect_rel_ci_high is not None and -1 < verdict.effect_rel_ci_high < -0.9
