"""For whom, and with how much use: segments, their partial pooling, and the association with adoption."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from metrics import teams
from metrics.designs import choose
from metrics.dose import dose_response, team_effects
from metrics.for_whom import of_segments
from metrics.panel import select
from metrics.question import Question
from metrics.segments import partial_pooling
from metrics.verdict import judge
from tests.metrics.worlds import rollout


def split(effects: tuple[float, float], seed: int = 3) -> Question:
    """Win-or-not records of two segments, each with its own true effect."""
    parts = [rollout("proportion", effect=effect, rate=40.0, seed=seed) for effect in effects]
    first, second = parts
    code = np.r_[np.zeros(len(first.at), np.int64), np.ones(len(second.at), np.int64)]
    joined = {
        name: np.r_[getattr(first, name), getattr(second, name)] for name in ("at", "unit", "num", "den", "observed")
    }
    return replace(first, **joined, groups={"type": code}, group_names={"type": ("new", "renewal")})


def test_pooling_by_hand() -> None:
    found = partial_pooling([(0.0, 0.1), (0.6, 0.1), (float("nan"), float("nan"))])
    q = 2 * (0.3 / 0.1) ** 2
    tau_squared = (q - 1) / (200 - 2 * 100**2 / 200)
    own = tau_squared / (tau_squared + 0.01)
    assert found["tau"] == pytest.approx(tau_squared**0.5)
    assert found["shrunk"][0][0] == pytest.approx(0.3 - own * 0.3)
    assert found["shrunk"][1][1] == pytest.approx((own * 0.01 + (1 - own) ** 2 * (0.01 + tau_squared) / 2) ** 0.5)
    assert np.isnan(found["shrunk"][2]).all()
    assert found["p_value"] < 0.001


def test_segments_that_agree_are_pooled_to_one_figure() -> None:
    found = partial_pooling([(0.10, 0.1), (0.12, 0.1), (0.11, 0.1)])
    assert found["tau"] == 0.0
    assert {round(mean, 6) for mean, _ in found["shrunk"]} == {0.11}
    assert found["shrunk"][0][1] == pytest.approx(0.1 / 3**0.5)


def test_one_segment_alone_is_not_shrunk() -> None:
    assert partial_pooling([(0.2, 0.1), (float("nan"), float("nan"))])["shrunk"][0] == (0.2, 0.1)


def test_an_effect_in_one_segment_only_is_found_there() -> None:
    rows = judge(split((0.4, 0.0))).diagnostics["segments"]
    by_name = {row["segment"]: row for row in rows}
    assert by_name["new"]["effect_low"] < 0.4 < by_name["new"]["effect_high"]
    assert by_name["new"]["pooled_low"] > 0
    assert by_name["renewal"]["effect_low"] < 0 < by_name["renewal"]["effect_high"]
    assert by_name["new"]["heterogeneity_p"] < 0.01
    assert by_name["new"]["pooled"] < by_name["new"]["effect"]


def test_a_segment_with_few_records_has_no_estimate() -> None:
    question = split((0.0, 0.0))
    code = question.groups["type"].copy()
    code[:] = 0
    code[:20] = 1
    rows = judge(replace(question, groups={"type": code})).diagnostics["segments"]
    assert [row["effect"] is None for row in rows] == [False, True]


def test_each_segment_has_a_verdict_of_its_own() -> None:
    question = split((0.4, 0.0))
    whole = judge(question)
    found = {segment: verdict for dim, segment, verdict in of_segments(question, whole) if dim == "type"}
    new, renewal = found["new"], found["renewal"]
    assert (new.verdict, new.method, new.look) == ("improved", "imputation_ratio_pooled", "single")
    assert renewal.verdict == "inconclusive"
    assert new.q_value is not None
    assert new.post_value is not None
    assert new.counterfactual_value is not None
    assert new.effect == pytest.approx(new.post_value - new.counterfactual_value)
    assert new.pre_value == pytest.approx(0.3, abs=0.03)
    assert not new.caveats


def test_segments_alike_say_so_and_share_the_gates_of_the_whole() -> None:
    question = split((0.3, 0.3))
    whole = judge(question)
    for _, _, verdict in of_segments(question, whole):
        assert verdict.verdict == "improved"
        assert any("have in common" in words for words in verdict.caveats)
    barred = judge(replace(question, is_definition_changed=True))
    assert {verdict.reason for _, _, verdict in of_segments(question, barred)} == {"definition_changed"}


def test_a_segment_without_an_estimate_is_not_enough_data() -> None:
    question = split((0.0, 0.0))
    code = np.zeros_like(question.groups["type"])
    code[:20] = 1
    asked = replace(question, groups={"type": code})
    few = dict((segment, verdict) for _, segment, verdict in of_segments(asked, judge(asked)))["renewal"]
    assert (few.verdict, few.reason, few.effect, few.p_value) == ("inconclusive", "not_enough_data", None, None)


def dosed(strength: float) -> Question:
    """Count of 24 teams in which the effect is `strength` times what a team uses."""
    question = rollout("count", effect=0.0, rate=60.0, noise=0.02, seed=9)
    dose = np.linspace(0.2, 1.0, len(question.go_live))
    rng = np.random.default_rng(2)
    live = question.at.astype("datetime64[D]") >= question.go_live[question.unit] + np.timedelta64(42, "D")
    twice = np.flatnonzero(live & (rng.random(len(question.at)) < strength * dose[question.unit]))
    index = np.r_[np.arange(len(question.at)), twice]
    rows = {name: getattr(question, name)[index] for name in ("at", "unit", "num", "den", "observed")}
    return replace(question, **rows, dose=dose)


def test_effects_that_follow_use_are_associated_with_it() -> None:
    question = dosed(0.5)
    setting = teams.prepare(question, select(question, question.as_of), choose(question, question.as_of))
    found = dose_response(question, setting)
    assert found is not None
    assert found["p_value"] < 0.01
    assert found["slope_low"] < 0.1 * 0.5 / 1.3 < found["slope_high"], "log(1 + 0.5 d) rises by about 0.5/1.3 a unit"
    assert found["teams"] == int((~np.isnat(question.go_live)).sum())


def test_effects_without_use_are_not() -> None:
    question = dosed(0.0)
    setting = teams.prepare(question, select(question, question.as_of), choose(question, question.as_of))
    found = dose_response(question, setting)
    assert found is not None and found["p_value"] > 0.05
    effect, error = team_effects(setting)
    assert np.isnan(effect[np.isnat(question.go_live)]).all()
    assert np.nanmax(np.abs(effect)) < 0.3 and np.nanmin(error) > 0
    assert dose_response(replace(question, dose=None), setting) is None
    assert dose_response(replace(question, dose=np.ones(len(question.go_live))), setting) is None
