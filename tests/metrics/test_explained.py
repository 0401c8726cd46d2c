"""Why the plain difference is another than the effect: parts that add up, and the sentence that names the largest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from metrics.verdict import judge
from tests.metrics.worlds import rollout, weekly


def told(values: np.ndarray[Any, Any], live: int = 120) -> dict[str, Any]:
    found: dict[str, Any] = judge(weekly(values, live)).diagnostics["naive_explained"]
    return found


def adds_up(found: dict[str, Any]) -> bool:
    return bool(sum(found["parts"].values()) + found["effect"] == pytest.approx(found["naive"], abs=1e-4))


def test_a_trend_under_way_is_named() -> None:
    t = np.arange(160)
    found = told(50 * np.exp(0.3 * t / 52 + np.random.default_rng(1).normal(0, 0.03, 160)))
    assert adds_up(found)
    assert max(found["parts"], key=found["parts"].get) == "trend"
    assert found["words"] == "What sets the plain difference apart is mostly a trend that was under way."


def test_a_season_is_named() -> None:
    t = np.arange(160)
    found = told(
        50 * np.exp(0.4 * np.sin(2 * np.pi * (t - 126) / 52.18) + np.random.default_rng(2).normal(0, 0.03, 160))
    )
    assert adds_up(found)
    assert found["words"].endswith("mostly the season.")


def test_a_slump_while_people_learn_is_named() -> None:
    t = np.arange(132)
    values = 50 * np.exp(np.random.default_rng(3).normal(0, 0.02, 132)) * np.where((t >= 110) & (t < 116), 0.3, 1.0)
    found = told(values, 110)
    assert adds_up(found)
    assert found["parts"]["learning_window"] < -0.1
    assert found["words"].endswith("mostly the learning window.")


def test_a_shifting_mix_is_named() -> None:
    rng = np.random.default_rng(4)
    asked = rollout("proportion", never=24 - 18, rate=20.0, seed=4)
    go_live = asked.go_live[asked.unit]
    is_after = ~np.isnat(go_live) & (asked.at >= go_live.astype("datetime64[s]"))
    group = (rng.random(len(asked.at)) < np.where(is_after, 0.8, 0.3)).astype(np.int64)
    won = (rng.random(len(asked.at)) < np.where(group == 1, 0.15, 0.45)).astype(float)
    found = judge(replace(asked, num=won, groups={"channel": group})).diagnostics["naive_explained"]
    assert adds_up(found)
    assert found["words"].endswith("mostly the mix of segments.")


def test_what_the_others_did_is_named_where_teams_are_compared() -> None:
    asked = rollout(teams=24, never=8, seed=7, rate=30.0)
    later = (asked.at.astype("datetime64[D]") - asked.at.min().astype("datetime64[D]")).astype(float)
    kept = np.random.default_rng(1).random(len(later)) < 1 - 0.5 * later / later.max()
    names = ("at", "unit", "num", "den", "observed")
    found = judge(replace(asked, **{name: getattr(asked, name)[kept] for name in names})).diagnostics["naive_explained"]
    assert adds_up(found)
    assert found["words"].endswith("mostly what the other units did meanwhile (season, growth).")


def test_where_both_agree_there_is_nothing_to_say() -> None:
    verdict = judge(weekly(50 * np.exp(np.random.default_rng(6).normal(0, 0.03, 150)
                                       + np.where(np.arange(150) >= 110, 0.3, 0.0)), 110))  # fmt: skip
    found = verdict.diagnostics["naive_explained"]
    assert adds_up(found) and found["words"] == ""


@pytest.mark.parametrize("kind", ["sum", "mean", "nps", "duration", "quantile"])
def test_parts_of_every_kind_add_up(kind: str) -> None:
    found = judge(rollout(kind, effect=0.2)).diagnostics["naive_explained"]
    assert adds_up(found)
    assert found["scale"] == ("level" if kind == "nps" else "log")


@pytest.mark.filterwarnings("error")
def test_nothing_sets_apart_what_never_moved() -> None:
    assert told(np.full(140, 100.0), 100) == {"scale": "log", "naive": 0.0, "effect": 0.0, "parts": {}, "words": ""}


def test_a_dip_before_the_go_live_is_named() -> None:
    rng, t = np.random.default_rng(5), np.arange(150)
    found = told(50 * np.exp(rng.normal(0, 0.03, 150)) * np.where((t >= 106) & (t < 112), 0.6, 1.0), 112)
    assert adds_up(found)
    assert found["parts"]["unusual_before"] == pytest.approx(-np.log(0.6) * 6 / 112, rel=0.3)
    assert abs(found["parts"]["drift"]) < found["parts"]["unusual_before"]
