"""Outcomes that were recorded only from some day on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np

from metrics.question import Question
from metrics.recording import since_recorded
from metrics.verdict import judge
from tests.metrics.worlds import START, rollout


def unrecorded_until(question: Question, week: int) -> Question:
    """Ends before that week were never written down: such cases look as if they were still open."""
    day = question.at.astype("datetime64[D]")
    ended = day + question.num.astype("timedelta64[D]")
    lost = question.observed & (ended < START + 7 * week)
    follow = (question.as_of - day).astype(float)
    return replace(question, num=np.where(lost, follow, question.num), observed=question.observed & ~lost)


def test_the_time_before_ends_were_recorded_is_left_out() -> None:
    question = unrecorded_until(rollout("duration", better="lower", effect=-0.3, first_week=70), 20)
    found, words = since_recorded(question)
    assert found.recorded_from is not None
    assert abs(found.recorded_from - (START + 7 * 20)) <= np.timedelta64(7, "D")
    assert "No end of a case was recorded before" in words[0]
    verdict = judge(question)
    assert verdict.pre_start is not None and verdict.pre_start >= date.fromisoformat(str(found.recorded_from))
    assert words[0] in verdict.caveats
    assert verdict.effect_rel is not None and verdict.effect_rel_ci_low < -0.25 < verdict.effect_rel_ci_high  # type: ignore[operator]


def test_ordinary_cases_few_cases_and_one_stray_end_change_nothing() -> None:
    question = rollout("duration", better="lower")
    assert since_recorded(question) == (question, ())
    assert since_recorded(rollout("mean"))[1] == ()
    few = np.arange(0, len(question.at), len(question.at) // 40)
    small = replace(
        question, **{name: getattr(question, name)[few] for name in ("at", "unit", "num", "den", "observed")}
    )
    assert since_recorded(small)[1] == ()


def test_one_end_somebody_filled_in_does_not_hide_that_none_was_recorded() -> None:
    question = unrecorded_until(rollout("duration", better="lower", first_week=70), 20)
    first = int(question.at.argmin())
    num, observed = question.num.copy(), question.observed.copy()
    num[first], observed[first] = 2.0, True
    assert since_recorded(replace(question, num=num, observed=observed))[1] == since_recorded(question)[1]
