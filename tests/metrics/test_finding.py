"""What an estimate may be told as: within what a figure can be, in its own unit near zero, in the direction possible."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from metrics.finding import Finding
from metrics.limits import possible
from metrics.multiplicity import correct
from metrics.question import Question
from metrics.verdict import is_inside, judge
from tests.metrics.worlds import rollout, weekly


def finding(**known: Any) -> Finding:
    """Expected 50 (46 to 54), seen 60, on the level."""
    settings: dict[str, Any] = {
        "multiplicative": False, "theta": 10.0, "low": 6.0, "high": 14.0, "error": 2.0, "pre_value": 48.0,
        "post_value": 60.0, **known,
    }  # fmt: skip
    return Finding("test", p_value=0.01, df=np.inf, **settings)


def test_shares_are_of_what_was_to_be_expected_at_each_end() -> None:
    found = finding()
    assert found.relative(10.0) == pytest.approx(0.2)
    assert found.relative(6.0) == pytest.approx(60 / 54 - 1)
    assert found.relative(14.0) == pytest.approx(60 / 46 - 1)
    turned = finding(post_value=-5.0, theta=-30.0, low=-50.0, high=-15.0)
    assert turned.relative_ends() == (pytest.approx(-1.5), pytest.approx(-5 / 45 - 1))
    debt = finding(post_value=-40.0)
    assert debt.relative(10.0) == pytest.approx(10 / 50)


@pytest.mark.parametrize(("low", "high"), [(-10.0, 14.0), (6.0, 61.0), (float("-inf"), 14.0)])
def test_a_base_that_may_be_zero_has_no_shares(low: float, high: float) -> None:
    found = finding(post_value=8.0 if low == -10.0 else 60.0, low=low, high=high)
    assert found.is_base_near_zero
    assert found.relative(found.theta) is None
    assert not is_inside(found, 0.5, "mean")


def test_a_share_stays_within_nothing_and_everything() -> None:
    found = finding(
        multiplicative=True, theta=0.05, low=-0.2, high=0.3, post_value=0.95, pre_value=0.9, limits=(0.0, 1.0)
    )
    assert found.change(found.low) == pytest.approx(-0.05)
    assert found.relative(found.low) == pytest.approx(-0.05)
    assert found.change(found.high) == pytest.approx(0.95 - 0.95 / np.exp(0.3))


def test_scores_stay_within_a_hundred_points() -> None:
    found = finding(post_value=70.0, theta=20.0, low=-60.0, high=190.0, limits=(-100.0, 100.0))
    assert (found.change(found.low), found.change(found.high)) == (-30.0, 170.0)


def test_only_changes_that_can_be_are_promised() -> None:
    wide = {"multiplicative": True, "theta": 0.0, "low": -2.0, "high": 2.0, "error": 1.0, "limits": (0.0, np.inf)}
    found = finding(**wide).smallest_detectable(0.05)
    assert found["rise"] is not None and found["rise"] > 10
    assert found["fall"] is not None and 0.9 < found["fall"] < 1
    share = finding(**{**wide, "post_value": 0.8, "limits": (0.0, 1.0)}).smallest_detectable(0.05)
    assert share["rise"] is None and share["fall"] is not None
    level = finding(error=30.0, limits=(0.0, np.inf)).smallest_detectable(0.05)
    assert level["fall"] is None and level["rise"] is not None and level["rise"] > 1
    score = finding(error=100.0, limits=(-100.0, 100.0)).smallest_detectable(0.05)
    assert score == {"rise": None, "fall": None, "unit": None}


def test_what_a_kind_can_be() -> None:
    assert possible(rollout("nps")) == (-100.0, 100.0)
    assert possible(rollout("proportion")) == (0.0, 1.0)
    assert possible(rollout("count"))[0] == 0.0
    signed = weekly(np.array([3.0, -1.0, 2.0]), 1)
    assert possible(signed) == (-np.inf, np.inf)
    assert possible(replace(signed, kind="duration"))[0] == 0.0


def balance(effect: float, seed: int = 3, **asked: Any) -> Question:
    """A margin that comes to about nothing each week, give or take 8."""
    t = np.arange(130)
    value = np.random.default_rng(seed).normal(0, 8, 130) + np.where(t >= 100, effect, 0.0)
    return weekly(value, 100, **asked)


def test_a_figure_around_zero_is_told_in_its_unit() -> None:
    verdict = judge(balance(25.0, min_important_change=0.1))
    assert verdict.verdict == "improved"
    assert verdict.effect is not None and 15 < verdict.effect < 35
    assert (verdict.effect_rel, verdict.effect_rel_ci_low, verdict.effect_rel_ci_high) == (None, None, None)
    assert verdict.mde80 is None and verdict.diagnostics["mde80_unit"] > 5
    assert verdict.diagnostics["relative_reason"] == "base_near_zero"
    assert verdict.diagnostics["naive_reason"] == "base_near_zero"
    assert "naive_change_rel" not in verdict.diagnostics and "naive_pre" in verdict.diagnostics
    assert any("cannot be applied to a base near zero" in words for words in verdict.caveats)


def test_a_figure_far_from_zero_keeps_its_shares() -> None:
    asked = balance(25.0)
    verdict = judge(replace(asked, num=asked.num + 100))
    assert verdict.effect_rel == pytest.approx(0.25, abs=0.1)
    assert "relative_reason" not in verdict.diagnostics


def test_a_correction_widens_within_the_same_bounds() -> None:
    asked = rollout("proportion", effect=0.25, rate=8.0)
    verdict = judge(asked)
    (kept, *_) = correct([replace(verdict, p_value=0.04), *[replace(verdict, p_value=0.9)] * 9], [True] * 10)
    assert kept.verdict == "inconclusive"
    assert kept.effect_rel_ci_low is not None and verdict.effect_rel_ci_low is not None
    assert kept.effect_rel_ci_low < verdict.effect_rel_ci_low
    assert kept.effect_ci_low is not None and kept.post_value is not None
    assert kept.post_value - 1 <= kept.effect_ci_low <= kept.post_value


def test_the_smallest_detectable_change_is_that_of_the_direction_hoped_for() -> None:
    asked = rollout(rate=2.0)
    rise, fall = judge(asked), judge(replace(asked, better="lower"))
    assert (rise.diagnostics["mde80_direction"], fall.diagnostics["mde80_direction"]) == ("rise", "fall")
    assert rise.mde80 is not None and fall.mde80 is not None
    assert 0 < fall.mde80 < rise.mde80
    assert (1 + rise.mde80) * (1 - fall.mde80) == pytest.approx(1.0)
