"""Every verdict and every reason, from data; and that nothing of no consequence has any."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from metrics.did import MOST_BREAKDOWN
from metrics.question import Question
from metrics.verdict import judge
from tests.metrics.worlds import START, noisy_weeks, rollout, weekly


def test_an_effect_in_waves_is_found_and_covered() -> None:
    verdict = judge(rollout(effect=0.25))
    assert (verdict.verdict, verdict.reason, verdict.method) == ("improved", None, "imputation_ratio")
    assert verdict.effect_rel_ci_low is not None
    assert verdict.effect_rel_ci_low < 0.25 < (verdict.effect_rel_ci_high or 0)
    assert verdict.counterfactual_value is not None
    assert verdict.post_value is not None
    assert verdict.effect == pytest.approx(verdict.post_value - verdict.counterfactual_value)


@pytest.mark.parametrize("kind", ["sum", "mean", "proportion", "nps", "duration", "quantile"])
def test_every_kind_of_kpi_is_judged(kind: str) -> None:
    is_time = kind in ("duration", "quantile")
    found = judge(rollout(kind, effect=-0.3 if is_time else 0.3, better="lower" if is_time else "higher"))
    assert found.verdict == "improved"
    nothing = judge(rollout(kind, effect=0.0, seed=9))
    assert nothing.verdict == "inconclusive"


def test_fewer_than_twenty_teams_take_the_randomised_interval() -> None:
    verdict = judge(rollout(teams=12, never=3, effect=0.3))
    assert verdict.method == "imputation_ratio_randomised"
    assert verdict.verdict == "improved"
    assert verdict.diagnostics["randomisation"]["draws"] == 1000


def test_no_material_change_needs_a_narrow_interval() -> None:
    narrow = rollout(rate=150, min_important_change=0.10)
    assert judge(narrow).verdict == "no_material_change"
    assert judge(replace(narrow, min_important_change=None)).reason == "too_noisy"


def test_too_noisy_says_what_would_have_been_found() -> None:
    verdict = judge(rollout(rate=1))
    assert (verdict.verdict, verdict.reason) == ("inconclusive", "too_noisy")
    assert verdict.mde80 is not None
    assert verdict.mde80 > 0.05


def test_before_the_first_look_the_estimate_is_provisional() -> None:
    verdict = judge(rollout(first_week=84, gap_weeks=2, effect=0.5, alpha_policy="looks"))
    assert (verdict.verdict, verdict.reason, verdict.look) == ("inconclusive", "provisional", "provisional")
    assert verdict.effect_rel is not None


def test_a_frozen_look_reads_nothing_that_came_later() -> None:
    question = rollout(alpha_policy="looks", effect=0.25)
    later = question.at >= question.as_of - np.timedelta64(28, "D")
    changed = replace(question, num=np.where(later, 100.0, question.num))
    assert judge(question, "13w") == judge(changed, "13w")
    assert judge(question, "provisional") != judge(changed, "provisional")


def test_few_weeks_before_are_not_enough() -> None:
    verdict = judge(weekly(noisy_weeks(60, go_live_week=20), 20))
    assert (verdict.verdict, verdict.reason) == ("inconclusive", "not_enough_data")


def test_few_weeks_after_are_not_enough() -> None:
    verdict = judge(weekly(noisy_weeks(120, go_live_week=110), 110))
    assert (verdict.verdict, verdict.reason) == ("inconclusive", "not_enough_data")


def test_few_records_are_not_enough() -> None:
    verdict = judge(rollout(rate=0.02))
    assert verdict.reason == "not_enough_data"


def test_a_handful_of_answers_is_told_as_such_even_where_nothing_can_be_estimated() -> None:
    at = np.datetime64("2021-02-01T00", "s") + np.arange(9) * np.timedelta64(170, "D")
    asked = Question(
        kind="nps", better="higher", at=at, unit=np.zeros(9, np.int64), num=np.resize([1.0, 0.0, 1.0, -1.0], 9),
        den=np.ones(9), observed=np.ones(9, bool), go_live=np.array([at[7] - 3], "datetime64[D]"),
        as_of=at[8].astype("datetime64[D]") + 1, alpha_policy="single",
    )  # fmt: skip
    verdict = judge(asked)
    assert (verdict.verdict, verdict.reason) == ("inconclusive", "not_enough_data")
    assert verdict.caveats[0] == "Only 7 records before the go-live; 30 are needed."
    assert "Only 1 record after the go-live; 30 are needed." in verdict.caveats


def test_fewer_than_five_treated_teams_are_not_enough() -> None:
    verdict = judge(rollout(teams=10, never=7, effect=0.5, waves=3))
    assert verdict.reason == "not_enough_data"
    assert any("3 teams went live" in words for words in verdict.caveats)


def test_no_go_live_at_all() -> None:
    verdict = judge(rollout(never=24))
    assert (verdict.verdict, verdict.reason, verdict.effect) == ("inconclusive", "not_enough_data", None)


def test_no_records_at_all() -> None:
    empty = replace(
        rollout(rate=1), at=np.zeros(0, "datetime64[s]"), unit=np.zeros(0, np.int64), num=np.zeros(0),
        den=np.zeros(0), observed=np.zeros(0, dtype=bool),
    )  # fmt: skip
    assert judge(empty).reason == "not_enough_data"


def test_all_teams_at_nearly_one_time_fall_back_to_the_company_s_own_history() -> None:
    verdict = judge(rollout(never=0, gap_weeks=2, effect=0.3))
    assert verdict.method == "series_averaged"
    assert any("own history" in words for words in verdict.caveats)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"is_definition_changed": True}, "definition_changed"),
        ({"is_rate_missing": True}, "missing_rates"),
        ({"is_stamped": True}, "migration_stamps"),
    ],
)
def test_gate_0(changed: dict[str, bool], reason: str) -> None:
    question = rollout(effect=0.3)
    if "is_stamped" in changed:
        question = replace(question, is_stamped=np.arange(len(question.at)) % 5 == 0)
    else:
        question = replace(question, **changed)  # type: ignore[arg-type]
    verdict = judge(question)
    assert (verdict.verdict, verdict.reason) == ("not_comparable", reason)


def test_a_few_stamped_records_do_no_harm() -> None:
    question = rollout(effect=0.25)
    assert judge(replace(question, is_stamped=np.arange(len(question.at)) % 20 == 0)).verdict == "improved"


def only_after(question: Question) -> Question:
    """The same without any record of the teams before their go-live."""
    go_live = question.go_live[question.unit]
    keep = ~np.isnat(go_live) & (question.at >= go_live)
    return replace(
        question, at=question.at[keep], unit=question.unit[keep], num=question.num[keep], den=question.den[keep],
        observed=question.observed[keep],
    )  # fmt: skip


def test_missing_before_is_not_zero_before() -> None:
    verdict = judge(only_after(rollout()))
    assert (verdict.verdict, verdict.reason) == ("not_comparable", "nothing_recorded_before")
    question = rollout("mean")
    zero = question.at < (START + 7 * 48).astype("datetime64[s]")
    early = np.isnat(question.go_live[question.unit]) | (question.at < question.go_live[question.unit])
    verdict = judge(replace(question, num=np.where(zero | early, 0.0, question.num)))
    assert verdict.reason == "nothing_recorded_before"


def test_hardly_anything_before_is_not_a_change_but_new_recording() -> None:
    asked = rollout("count", effect=0.0)
    kept = (asked.at >= asked.go_live[asked.unit].astype("datetime64[s]")) | (np.arange(len(asked.at)) % 40 == 0)
    kept |= np.isnat(asked.go_live[asked.unit])
    fewer = replace(asked, at=asked.at[kept], unit=asked.unit[kept], num=asked.num[kept], den=asked.den[kept],
                    observed=asked.observed[kept])  # fmt: skip
    verdict = judge(fewer)
    assert (verdict.verdict, verdict.reason) == ("not_comparable", "hardly_recorded_before")


def test_a_learning_window_that_ends_in_the_dip_is_told() -> None:
    asked = rollout(effect=0.0, rate=60.0)
    since = asked.at - asked.go_live[asked.unit].astype("datetime64[s]")
    in_dip = (since >= np.timedelta64(0, "D")) & (since < np.timedelta64(70, "D")) & (np.arange(len(asked.at)) % 2 == 0)
    dipped = replace(asked, at=asked.at[~in_dip], unit=asked.unit[~in_dip], num=asked.num[~in_dip],
                     den=asked.den[~in_dip], observed=asked.observed[~in_dip])  # fmt: skip
    assert any("it may be too short" in words for words in judge(dipped).caveats)
    assert not any("it may be too short" in words for words in judge(asked).caveats)


def test_placebo_dates_say_what_they_could_have_seen() -> None:
    assert all(0 < size < 1 for size in judge(rollout()).diagnostics["placebo"]["detectable"])
    assert judge(weekly(noisy_weeks(), 110)).diagnostics["placebo"]["detectable"]


def test_more_than_a_doubling_is_told_to_be_looked_at() -> None:
    verdict = judge(rollout(effect=1.5))
    assert verdict.verdict == "improved"
    assert any("more than doubled" in words for words in verdict.caveats)
    assert not any("more than doubled" in words for words in judge(rollout(effect=0.5)).caveats)


def test_a_mean_that_moves_against_the_typical_record_is_no_verdict() -> None:
    rng = np.random.default_rng(4)
    asked = rollout("mean", seed=6, rate=40.0)
    go_live = asked.go_live[asked.unit]
    is_after = ~np.isnat(go_live) & (asked.at >= go_live.astype("datetime64[s]"))
    is_giant = rng.random(len(asked.at)) < 0.02
    size = rng.lognormal(0, 0.1, len(asked.at)) * np.where(is_giant, 100, 1)
    moved = replace(asked, num=size * np.where(is_after, np.where(is_giant, 1.9, 0.8), 1.0))
    verdict = judge(moved)
    assert (verdict.verdict, verdict.reason) == ("inconclusive", "diagnostics_disagree")
    assert "The typical record moved the other way than the mean." in verdict.caveats
    assert verdict.diagnostics["median_estimate"] < 0 < verdict.diagnostics["theta"]


def test_a_change_that_was_under_way_before_is_not_comparable() -> None:
    question = rollout(rate=40)
    treated = ~np.isnat(question.go_live[question.unit])
    weeks = (question.at.astype("datetime64[D]") - START).astype(float) / 7
    keep = ~treated | (np.random.default_rng(1).random(len(weeks)) < 0.2 + 0.8 * weeks / 104)
    growing = replace(
        question, at=question.at[keep], unit=question.unit[keep], num=question.num[keep], den=question.den[keep],
        observed=question.observed[keep],
    )  # fmt: skip
    verdict = judge(growing)
    assert (verdict.verdict, verdict.reason) == ("not_comparable", "placebo")
    assert verdict.diagnostics["naive_change_rel"] > 0.3


def test_a_few_giants_that_carry_the_sign_are_found() -> None:
    question = rollout("sum", rate=10, effect=-0.12, noise=0.01, seed=5)
    go_live = question.go_live[question.unit]
    after = np.flatnonzero(~np.isnat(go_live) & (question.at >= go_live + np.timedelta64(42, "D")))
    num = question.num.copy()
    num[after[::70]] *= 120
    verdict = judge(replace(question, num=num))
    assert verdict.effect_rel is not None
    assert verdict.effect_rel > 0
    assert verdict.diagnostics["capped_estimate"] < 0
    assert (verdict.verdict, verdict.reason) == ("inconclusive", "diagnostics_disagree")


def test_one_wave_can_be_asked_for_alone() -> None:
    question = rollout(effect=0.25)
    first = question.go_live == np.nanmin(question.go_live.astype("datetime64[D]"))
    alone = judge(replace(question, focus=first))
    assert alone.diagnostics["teams_treated"] == first.sum()
    assert alone.verdict == "improved"


def test_rows_in_any_order_and_a_second_time_give_the_same_verdict() -> None:
    question = rollout("mean", effect=0.2, teams=12, never=3)
    order = np.random.default_rng(3).permutation(len(question.at))
    mixed = replace(
        question, at=question.at[order], unit=question.unit[order], num=question.num[order],
        den=question.den[order], observed=question.observed[order],
    )  # fmt: skip
    assert judge(question) == judge(question) == judge(mixed)


def test_diagnostics_are_plain_and_nothing_is_nan() -> None:
    for question in (rollout(), weekly(noisy_weeks(), 110), rollout(never=24), rollout(teams=10, never=9)):
        verdict = judge(question)
        json.dumps(verdict.diagnostics, allow_nan=False)
        assert verdict.p_value is None or 0 < verdict.p_value <= 1


def test_the_second_estimator_stands_beside_the_first() -> None:
    verdict = judge(rollout(effect=0.25, with_check=True))
    second = verdict.diagnostics["callaway_santanna"]
    assert second["simple"]["low"] < np.log(1.25) < second["simple"]["high"]
    assert 0 <= second["breakdown"] <= MOST_BREAKDOWN
    assert "breakdown" not in judge(rollout(effect=0.0, with_check=True)).diagnostics["callaway_santanna"]


def test_closed_cases_alone_would_claim_what_is_not_there() -> None:
    verdict = judge(rollout("duration", effect=0.0, never=0, waves=1, first_week=80, better="lower", seed=4))
    assert verdict.diagnostics["naive_change_rel"] < -0.05
    assert verdict.verdict != "improved"


def test_each_wave_may_have_a_learning_window_of_its_own() -> None:
    """Teams that learn for 26 weeks, a third less busy until then: their own window leaves the dip out."""
    question = rollout(effect=0.0, never=8, first_week=52, gap_weeks=2, seed=5)
    slow = (np.arange(24) % 2 == 0) & ~np.isnat(question.go_live)
    since = question.at.astype("datetime64[D]") - question.go_live[question.unit]
    is_dip = slow[question.unit] & (since >= np.timedelta64(0)) & (since < np.timedelta64(182))
    kept = ~is_dip | (np.random.default_rng(3).random(len(is_dip)) > 1 / 3)
    names = ("at", "unit", "num", "den", "observed")
    dipped = replace(question, **{name: getattr(question, name)[kept] for name in names}, learning_days=42)
    own = replace(dipped, learning_days=np.where(slow, 182, 42))
    found = judge(own)
    short = judge(dipped)
    assert (short.verdict, short.reason) == ("inconclusive", "effect_faded")
    assert short.effect_rel_ci_high is not None and short.effect_rel_ci_high < 0
    assert found.verdict != "worsened" and found.effect_rel_ci_low < 0 < found.effect_rel_ci_high  # type: ignore[operator]
    assert own.left_learning[slow][0] == question.go_live[slow][0] + 182


def test_few_teams_that_did_not_go_live_are_not_taken_for_some_that_did() -> None:
    """Two teams go live and gain 60 %, two do not: the series is that of the two, and the others are named."""
    question = rollout("proportion", teams=4, never=2, effect=0.6, waves=1, first_week=60, rate=60.0, seed=6)
    gone = ~np.isnat(question.go_live)[question.unit]
    names = ("at", "unit", "num", "den", "observed")
    alone = replace(question, **{name: getattr(question, name)[gone] for name in names})
    found, wanted = judge(question), judge(alone)
    assert (found.effect_rel, found.n_pre, found.n_post) == (wanted.effect_rel, wanted.n_pre, wanted.n_post)
    assert any("left out" in words for words in found.caveats)
