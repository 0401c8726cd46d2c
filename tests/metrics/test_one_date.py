"""One series: weeks before the go-live that are no part of the usual level, lines that never move, columns that cannot."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from metrics.question import Question, Verdict
from metrics.verdict import judge
from tests.metrics.worlds import START, weekly

BEFORE, AFTER = 96, 30


def figures(seed: int, *, ahead: int = 0, factor: float = 1.0, effect: float = 0.0) -> np.ndarray[Any, Any]:
    """Orders of a calm shop, about 240 a week; the last weeks before its new system are `factor` of that."""
    t = np.arange(BEFORE + AFTER)
    level = np.random.default_rng(seed).normal(0, 0.06, len(t)) + np.where(t >= BEFORE, np.log1p(effect), 0.0)
    return np.asarray(240 * np.exp(level) * np.where((t < BEFORE) & (t >= BEFORE - ahead), factor, 1.0))


def verdicts(ahead: int, factor: float, worlds: int = 8) -> list[Verdict]:
    return [judge(weekly(figures(seed, ahead=ahead, factor=factor), BEFORE)) for seed in range(worlds)]


@pytest.mark.parametrize(("ahead", "factor"), [(2, 0.65), (4, 0.72), (7, 0.8), (3, 1.45), (6, 1.25)])
def test_work_put_off_or_hurried_before_the_go_live_is_no_effect(ahead: int, factor: float) -> None:
    found = verdicts(ahead, factor)
    assert sum(each.verdict in ("improved", "worsened") for each in found) <= 1
    how = "low" if factor < 1 else "high"
    assert sum(any(f"unusually {how}" in words for words in each.caveats) for each in found) >= 7


def test_the_interval_spans_what_the_weeks_before_make_of_it() -> None:
    verdict = judge(weekly(figures(3, ahead=4, factor=0.7), BEFORE))
    usual = verdict.diagnostics["with_weeks_before"]
    assert usual["low"] > 0
    assert verdict.effect_rel == pytest.approx(0.0, abs=0.06)
    assert verdict.effect_rel_ci_high == pytest.approx(np.expm1(usual["high"]))
    assert verdict.diagnostics["unusual_before"]["likelihood"] > 0.9


def test_a_change_after_a_dip_is_still_found() -> None:
    found = [judge(weekly(figures(seed, ahead=4, factor=0.72, effect=0.3), BEFORE)) for seed in range(6)]
    assert all(each.verdict == "improved" for each in found)
    assert all(each.effect_rel == pytest.approx(0.3, abs=0.12) for each in found)


def test_ordinary_weeks_before_cost_nothing() -> None:
    verdict = judge(weekly(figures(5, effect=0.2), BEFORE))
    assert verdict.verdict == "improved"
    assert "with_weeks_before" not in verdict.diagnostics
    assert verdict.diagnostics["unusual_before"]["likelihood"] < 0.15


def months(seed: int, factor: float) -> Question:
    """Five years of months; the last two before the go-live are `factor` of the usual."""
    rng, t = np.random.default_rng(seed), np.arange(60)
    at = (np.datetime64("2020-03", "M") + t).astype("datetime64[s]")
    value = 5000 * np.exp(rng.normal(0, 0.05, 60)) * np.where((t >= 44) & (t < 46), factor, 1.0)
    return replace(
        weekly(value, 0), kind="sum", at=at, go_live=at[46:47].astype("datetime64[D]"), learning_days=0,
        as_of=np.datetime64("2025-03-01", "D"),
    )  # fmt: skip


@pytest.mark.parametrize("factor", [0.7, 1.4])
def test_months_are_watched_like_weeks(factor: float) -> None:
    found = [judge(months(seed, factor)) for seed in range(8)]
    assert sum(each.verdict in ("improved", "worsened") for each in found) <= 1


def test_a_dip_is_watched_at_the_frozen_looks_too() -> None:
    asked = replace(weekly(figures(1, ahead=5, factor=0.7), BEFORE), alpha_policy="looks")
    verdict = judge(asked)
    assert (verdict.look, verdict.verdict) == ("13w", "inconclusive")
    assert any("unusually low" in words for words in verdict.caveats)


@pytest.mark.parametrize("noise", [0.0, 1e-13])
def test_a_line_that_never_moves_has_no_change_to_see(noise: float) -> None:
    value = 64.0 * (1 + noise * np.random.default_rng(2).normal(size=150))
    verdict = judge(weekly(value, 110))
    assert (verdict.verdict, verdict.reason) == ("inconclusive", "no_variation")
    assert (verdict.effect, verdict.effect_ci_low, verdict.effect_ci_high, verdict.p_value) == (0, 0, 0, None)
    assert judge(weekly(value, 110, min_important_change=0.02)).verdict == "no_material_change"


def test_a_covariate_that_is_the_go_live_is_left_out_and_named() -> None:
    value, t = figures(8, effect=0.0), np.arange(BEFORE + AFTER)
    same, other = (t >= BEFORE + 3).astype(float), np.sin(t / 5.0)
    asked = weekly(value, BEFORE, covariates=np.column_stack([other, same]), covariate_names=("traffic", "new tariff"))
    verdict, wanted = judge(asked), judge(replace(asked, covariates=other[:, None], covariate_names=("traffic",)))
    assert any(words.startswith("new tariff says the same as the go-live") for words in verdict.caveats)
    assert verdict.effect_rel == pytest.approx(wanted.effect_rel)


def test_what_stands_in_the_way_is_named() -> None:
    nothing_after = judge(weekly(figures(1)[: BEFORE + 4], BEFORE))
    assert nothing_after.diagnostics["unmeasured"] == "nothing_after"
    assert any("after the learning window" in words for words in nothing_after.caveats)
    few = judge(weekly(figures(1)[BEFORE - 4 : BEFORE + 7], 4))
    assert few.diagnostics["unmeasured"] == "too_few_periods"
    assert "5 periods are too few to tell a change from trend and level." in few.caveats
    fewer = judge(weekly(figures(1)[BEFORE - 2 : BEFORE + 20], 2))
    assert "Only 2 whole periods before the go-live; three are needed." in fewer.caveats


def test_single_answers_far_apart_are_counted_as_answers() -> None:
    """Nine answers, one every half year, are no nine periods."""
    answers = np.array([1.0, 0, 1, -1, 1, 0, 1, 1, 1])
    at = (START + 182 * np.arange(9)).astype("datetime64[s]")
    asked = replace(weekly(answers, 0), kind="nps", at=at, go_live=np.array([START + 182 * 6]), as_of=START + 182 * 9)
    verdict = judge(asked)
    assert (verdict.verdict, verdict.reason) == ("inconclusive", "not_enough_data")
    assert "Only 6 records before the go-live; 30 are needed." in verdict.caveats
