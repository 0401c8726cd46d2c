"""Who answers a survey may change as well as what they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from metrics.verdict import judge
from tests.metrics.worlds import rollout


def test_a_change_that_missing_answers_explain_is_no_verdict() -> None:
    """Nothing happened, but after go-live nearly half of the detractors no longer answer."""
    question = rollout("nps", seed=4)
    silent = (question.num < 0) & (question.at.astype("datetime64[D]") >= question.left_learning[question.unit])
    kept = ~silent | (np.random.default_rng(1).random(len(silent)) > 0.45)
    names = ("at", "unit", "num", "den", "observed")
    biased = replace(question, **{name: getattr(question, name)[kept] for name in names})
    assert judge(biased).verdict == "improved"
    told = judge(replace(biased, response_rates=(0.40, 0.40 * (1 - 0.45 * 0.3))))
    assert told.verdict == "improved", "a move of five points is within what is let pass"
    told = judge(replace(biased, response_rates=(0.80, 0.80 * (1 - 0.45 * 0.3))))
    assert (told.verdict, told.reason) == ("inconclusive", "diagnostics_disagree")
    assert any("80 %" in words or "80%" in words for words in told.caveats)


def test_a_change_too_large_for_missing_answers_stays() -> None:
    question = replace(rollout("mean", effect=0.6, seed=3), response_rates=(0.5, 0.38))
    verdict = judge(question)
    assert verdict.verdict == "improved"
    found = verdict.diagnostics["response_bounds"]
    assert 0 < found["low"] < verdict.diagnostics["theta_low"]
    assert found["high"] > verdict.diagnostics["theta_high"]


def test_bounds_are_the_means_of_the_trimmed_side() -> None:
    question = replace(rollout("mean", effect=0.6, seed=3), response_rates=(0.5, 0.38))
    verdict = judge(question)
    before = np.sort(question.num[question.at.astype("datetime64[D]") < question.go_live[question.unit]])
    dropped = round(0.24 * len(before))
    shift = np.log(before[dropped:].mean() / before.mean())
    low = verdict.diagnostics["response_bounds"]["low"]
    assert low == pytest.approx(verdict.diagnostics["theta_low"] - shift, abs=1e-9)
