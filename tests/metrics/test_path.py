"""Effects that fade, turn or grow: told with their present size, and no lasting change when little is left of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from metrics.for_whom import of_segments
from metrics.question import Question
from metrics.verdict import judge
from tests.metrics.worlds import START, rollout, weekly

BEFORE, AFTER = 110, 46


def series(shape: np.ndarray[Any, Any], seed: int = 2, spread: float = 0.05) -> Question:
    """Weekly bookings whose log level follows `shape` from the go-live on."""
    noise = np.random.default_rng(seed).normal(0, spread, BEFORE + AFTER)
    return weekly(300 * np.exp(noise + np.r_[np.zeros(BEFORE), shape]), BEFORE)


def test_an_effect_that_has_gone_is_no_lasting_improvement() -> None:
    gone = np.clip(0.5 * (1 - np.arange(AFTER) / 24), 0, None)
    verdict = judge(series(gone))
    path = verdict.diagnostics["path"]
    assert (verdict.verdict, verdict.reason, path["shape"]) == ("inconclusive", "effect_faded", "fading")
    assert verdict.effect_rel_ci_low is not None and verdict.effect_rel_ci_low > 0
    assert path["early"]["low"] > 0.1 and path["late"]["low"] < 0 < path["late"]["high"]
    assert path["late"]["end"] == str(START + 7 * (BEFORE + AFTER))
    assert any(words.startswith("The change fades: +") and "now (last" in words for words in verdict.caveats)


def test_the_average_of_an_effect_that_moves_is_told_not_its_beginning() -> None:
    gone = np.clip(0.5 * (1 - np.arange(AFTER) / 24), 0, None)
    found = [judge(series(gone, seed)) for seed in range(6)]
    average = float(np.expm1(gone[6:].mean()))
    covered = [(v.effect_rel_ci_low or 0) < average < (v.effect_rel_ci_high or 0) for v in found]
    assert sum(covered) >= 5


def test_an_effect_that_turned_is_told_as_turned() -> None:
    verdict = judge(series(np.r_[np.full(24, 0.5), np.full(AFTER - 24, -0.2)]))
    assert (verdict.verdict, verdict.reason) == ("inconclusive", "effect_reversed")
    assert verdict.diagnostics["path"]["shape"] == "reversing"


def test_an_effect_that_grew_is_an_improvement_with_its_present_size() -> None:
    verdict = judge(series(np.linspace(0.1, 0.5, AFTER)))
    assert (verdict.verdict, verdict.diagnostics["path"]["shape"]) == ("improved", "growing")
    assert verdict.diagnostics["path"]["late"]["change"] > verdict.diagnostics["path"]["early"]["change"] + 0.1
    assert any(words.startswith("The change grows") for words in verdict.caveats)


def test_a_lasting_effect_is_steady_and_says_nothing() -> None:
    found = [judge(series(np.full(AFTER, 0.25), seed)) for seed in range(6)]
    assert all(verdict.verdict == "improved" for verdict in found)
    assert sum(verdict.diagnostics["path"]["shape"] == "steady" for verdict in found) >= 5


def test_no_material_change_must_hold_at_the_end_too() -> None:
    shape = np.linspace(-0.12, 0.12, AFTER)
    quiet = np.random.default_rng(1).normal(0, 0.03, BEFORE + AFTER)
    asked = weekly(300 * np.exp(quiet + np.r_[np.zeros(BEFORE), shape]), BEFORE, min_important_change=0.1)
    verdict = judge(asked)
    assert (verdict.verdict, verdict.reason) == ("inconclusive", "effect_moving")


def test_a_last_third_that_is_not_sure_by_itself_is_said() -> None:
    verdict = judge(series(np.full(AFTER, 0.16), seed=3, spread=0.14))
    assert (verdict.verdict, verdict.diagnostics["path"]["shape"]) == ("improved", "steady")
    assert verdict.diagnostics["path"]["late"]["low"] < 0
    assert any("weeks alone say +" in words and "whether it lasts is not certain" in words for words in verdict.caveats)


def test_a_time_after_that_is_too_short_has_no_path() -> None:
    asked = series(np.full(AFTER, 0.3))
    short = weekly(asked.num[: BEFORE + 16], BEFORE)
    assert "path" not in judge(short).diagnostics


def fading_teams(seed: int = 4) -> Question:
    """Teams whose 60 % more deals are gone half a year after their own go-live."""
    question = rollout(effect=0.0, rate=25.0, seed=seed)
    rng = np.random.default_rng(seed)
    since = (question.at.astype("datetime64[D]") - question.go_live[question.unit]).astype("timedelta64[D]")
    weeks = np.where(np.isnat(since), -1.0, since.astype(float) / 7)
    again = rng.random(len(weeks)) < np.where(weeks >= 0, np.clip(0.6 * (1 - weeks / 26), 0, 1), 0.0)
    twice = {name: np.r_[getattr(question, name), getattr(question, name)[again]] for name in
             ("at", "unit", "num", "den", "observed")}  # fmt: skip
    return Question(**{**question.__dict__, **twice})


def test_teams_are_told_by_their_own_time_since_go_live() -> None:
    verdict = judge(fading_teams())
    path = verdict.diagnostics["path"]
    assert path["shape"] == "fading"
    assert path["early"]["change"] > 0.25 and abs(path["late"]["change"]) < 0.08
    assert (verdict.verdict, verdict.reason) == ("inconclusive", "effect_faded")


def test_segments_claim_no_lasting_change_where_the_whole_has_none() -> None:
    question = fading_teams()
    halves = (np.arange(len(question.at)) % 2).astype(np.int64)
    asked = Question(**{**question.__dict__, "groups": {"half": halves}})
    whole = judge(asked)
    assert whole.reason == "effect_faded"
    assert {(each.verdict, each.reason) for _, _, each in of_segments(asked, whole)} == {
        ("inconclusive", "effect_faded")
    }


@pytest.mark.parametrize("kind", ["nps", "mean"])
def test_scores_are_told_in_points(kind: str) -> None:
    path = judge(rollout(kind, effect=0.3)).diagnostics["path"]
    assert path["is_relative"] == (kind == "mean")
    assert (path["late"]["change"] > 5) == (kind == "nps")
