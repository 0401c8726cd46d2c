"""Single periods: absent ones are unknown and counted, one of twice the size is pointed out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from metrics.outliers import outliers
from metrics.question import Question
from metrics.verdict import judge
from tests.metrics.worlds import START, rollout, weekly


def tickets(seed: int = 1, rate: float = 6.0, after: float | None = None) -> np.ndarray[Any, Any]:
    """Tickets a week; another rate from week 110 on."""
    t = np.arange(150)
    mean = np.where(t < 110, rate, rate if after is None else after)
    return np.maximum(np.random.default_rng(seed).poisson(mean), 1).astype(float)


def without(question: Question, places: np.ndarray[Any, Any]) -> Question:
    """The question without some of its rows."""
    kept = np.ones(len(question.at), dtype=bool)
    kept[places] = False
    names = ("at", "unit", "num", "den", "observed")
    return replace(question, **{name: getattr(question, name)[kept] for name in names})


def test_absent_periods_are_counted_on_each_side_and_tried_as_zero() -> None:
    whole = replace(weekly(tickets(), 110), kind="count")
    verdict = judge(without(whole, np.r_[20, 21, np.arange(117, 149, 2)]))
    assert verdict.diagnostics["missing_periods"] == {"before": 2, "after": 16}
    assert verdict.verdict == "inconclusive"
    (words,) = (words for words in verdict.caveats if "not in the data" in words)
    assert words.startswith("2 periods before and 16 after the go-live are not in the data; they count as unknown")
    assert verdict.diagnostics["missing_as_zero"]["effect_rel"] == pytest.approx(-0.45, abs=0.15)
    assert "As zeros they would make the change −" in words


def test_a_change_that_hangs_on_absent_periods_is_none() -> None:
    whole = replace(weekly(tickets(after=9.0), 110), kind="count")
    assert judge(whole).verdict == "improved"
    verdict = judge(without(whole, np.arange(117, 149, 2)))
    assert (verdict.verdict, verdict.reason) == ("inconclusive", "diagnostics_disagree")
    assert "Whether the missing periods were zero decides the change." in verdict.caveats


def test_figures_of_every_other_period_are_complete() -> None:
    """Half-yearly figures fill every other quarter; nothing is missing between them."""
    at = (np.datetime64("2010-01", "M") + 6 * np.arange(26)).astype("datetime64[s]")
    value = 80 + np.random.default_rng(2).normal(0, 3, 26)
    asked = replace(
        weekly(value, 0), kind="sum", at=at, go_live=at[18:19].astype("datetime64[D]"), learning_days=0,
        as_of=np.datetime64("2023-01-01", "D"),
    )  # fmt: skip
    assert "missing_periods" not in judge(asked).diagnostics


def test_absent_figures_of_teams_are_counted_for_both_sides() -> None:
    week, rng = np.arange(104), np.random.default_rng(3)
    live = np.arange(12) < 6
    question = Question(
        kind="sum", better="higher", at=np.tile((START + 7 * week).astype("datetime64[s]"), 12),
        unit=np.repeat(np.arange(12), 104), num=rng.lognormal(3, 0.2, 12 * 104), den=np.ones(12 * 104),
        observed=np.ones(12 * 104, dtype=bool), alpha_policy="single", is_periodic=True, as_of=START + 728,
        go_live=np.where(live, START + 420, np.datetime64("NaT", "D")), with_check=False,
    )  # fmt: skip
    gone = np.r_[104 * 2 + 10, 104 * 2 + 80, 104 * 2 + 81, 104 * 9 + 30]
    verdict = judge(without(question, gone))
    assert verdict.diagnostics["missing_periods"] == {"before": 1, "after": 2, "controls": 1}
    assert any(
        words.startswith("1 periods before and 2 after the go-live, and 1 of units") for words in verdict.caveats
    )


def test_a_month_that_is_not_over_is_left_out() -> None:
    months = np.arange(60)
    value = 900 * np.exp(np.random.default_rng(6).normal(0, 0.04, 60))
    value[-1] *= 0.4
    at = (np.datetime64("2021-02", "M") + months).astype("datetime64[s]")
    for kind in ("sum", "mean"):
        asked = replace(
            weekly(value, 0), kind=kind, at=at, go_live=at[54:55].astype("datetime64[D]"), learning_days=0,
            as_of=np.datetime64("2026-01-13", "D"),
        )  # fmt: skip
        verdict = judge(asked)
        assert verdict.verdict == "inconclusive"
        assert verdict.post_end is not None and str(verdict.post_end) == "2026-01-01"


@pytest.mark.parametrize(("grain", "step"), [("quarter", 3), ("year", 12)])
def test_the_quarter_and_the_year_of_as_of_are_left_out_too(grain: str, step: int) -> None:
    at = (np.datetime64("2000-01", "M") + step * np.arange(24)).astype("datetime64[s]")
    end = at[-1].astype("datetime64[D]")
    value = np.r_[np.random.default_rng(6).normal(70, 2, 23), 20.0]
    asked = replace(
        weekly(value, 0), kind="sum", at=at, go_live=at[16:17].astype("datetime64[D]"), learning_days=0, as_of=end + 40
    )
    verdict = judge(asked)
    assert verdict.post_end == end.item(), grain


def test_one_week_of_twice_the_size_is_pointed_out_and_is_no_change_of_meaning() -> None:
    value = tickets(rate=60.0)
    value[125] = value[124] + value[126] + 4
    verdict = judge(replace(weekly(value, 110), kind="count"))
    day = str(START + 7 * 125)
    assert verdict.diagnostics["odd_periods"][0]["start"] == day
    assert any(words.startswith(f"The period from {day} holds ") for words in verdict.caveats)
    assert not any("more than doubled" in words for words in verdict.caveats)


def test_a_change_that_one_odd_month_makes_is_none() -> None:
    """Three months after the go-live, one of which was loaded twice."""
    value = 400 * np.exp(np.random.default_rng(7).normal(0, 0.03, 63))
    value[61] *= 2.1
    at = (np.datetime64("2020-01", "M") + np.arange(63)).astype("datetime64[s]")
    asked = replace(
        weekly(value, 0), kind="sum", at=at, go_live=at[60:61].astype("datetime64[D]"), learning_days=0,
        as_of=np.datetime64("2025-04-01", "D"),
    )  # fmt: skip
    verdict = judge(asked)
    assert verdict.verdict == "inconclusive"
    assert any(words.startswith("The period from 2025-02-01 holds 2.") for words in verdict.caveats)


def test_a_level_that_doubled_is_still_asked_about() -> None:
    verdict = judge(weekly(np.where(np.arange(150) < 110, 1.0, 2.6) * tickets(2, rate=50.0), 110))
    assert any("more than doubled" in words for words in verdict.caveats)
    assert "odd_periods" not in verdict.diagnostics


def test_a_file_loaded_twice_is_seen_among_teams() -> None:
    asked = rollout(rate=30.0)
    week = (asked.at.astype("datetime64[D]") - START).astype(int) // 7
    twice = np.r_[np.arange(len(week)), np.flatnonzero(week == 30)]
    names = ("at", "unit", "num", "den", "observed")
    verdict = judge(replace(asked, **{name: getattr(asked, name)[twice] for name in names}))
    assert verdict.diagnostics["odd_periods"][0]["ratio"] == pytest.approx(2.0, abs=0.25)


def test_busy_weeks_that_come_back_are_how_the_company_works() -> None:
    edges = np.arange(START, START + 7 * 160, 7)
    quiet = 100 + np.random.default_rng(1).normal(0, 3, 159)
    once, every_year, often = quiet.copy(), quiet.copy(), quiet.copy()
    once[40] *= 2
    every_year[[40, 92]] *= 2
    often[np.arange(12, 159, 13)] *= 2
    assert [place for place, _ in outliers(edges, once)] == [40]
    assert outliers(edges, every_year) == outliers(edges, often) == outliers(edges, quiet) == []


def test_times_below_zero_are_left_out_and_counted_for_means_and_quantiles() -> None:
    for kind in ("duration", "quantile"):
        asked = rollout(kind, seed=9)
        go_live = asked.go_live[asked.unit]
        is_after = ~np.isnat(go_live) & (asked.at >= go_live.astype("datetime64[s]"))
        wrong = is_after & (np.random.default_rng(2).random(len(asked.at)) < 0.3)
        mistyped = replace(asked, num=np.where(wrong, -asked.num - 1, asked.num), observed=asked.observed | wrong)
        verdict, clean = judge(mistyped), judge(without(asked, np.flatnonzero(wrong)))
        assert verdict.diagnostics["negative_durations"] == wrong.sum()
        assert any("cases that end before they begin were left out" in words for words in verdict.caveats)
        assert verdict.effect_rel == pytest.approx(clean.effect_rel, abs=1e-6)
        assert verdict.diagnostics["naive_change_rel"] == pytest.approx(clean.diagnostics["naive_change_rel"])


def test_a_quantile_of_figures_that_are_no_times_may_be_negative() -> None:
    asked = replace(
        rollout("quantile", seed=9), is_time=False, observed=np.ones(len(rollout("quantile", seed=9).at), bool)
    )
    signed = replace(asked, num=asked.num - 15.0)
    assert "negative_durations" not in judge(signed).diagnostics
