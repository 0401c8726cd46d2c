"""Days that a load made, and days that are merely busy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.events import migrated
from metrics.question import Bools, Question
from metrics.stamps import stamped
from metrics.verdict import judge

DAY = np.datetime64("2025-01-06", "D")


def question(days: list[int]) -> Question:
    """Records on the given days after the first."""
    at = (DAY + np.array(days)).astype("datetime64[s]")
    n = len(at)
    return Question(
        kind="mean", better="higher", at=at, unit=np.zeros(n, np.int64), num=np.ones(n), den=np.ones(n),
        observed=np.ones(n, bool), go_live=np.array([DAY + 200]), as_of=DAY + 400,
    )  # fmt: skip


def days_of(found: Bools, asked: Question) -> list[int]:
    return sorted(set(((asked.at[found].astype("datetime64[D]") - DAY).astype(int)).tolist()))


def test_a_load_over_a_weekend_is_found_and_the_rest_is_not() -> None:
    ordinary = [day for day in range(300) for _ in range(4)]
    asked = question([*ordinary, *[100] * 90, *[101] * 70])
    assert days_of(stamped(asked), asked) == [100, 101]


def test_month_ends_that_come_back_are_how_that_company_works() -> None:
    ordinary = [day for day in range(360) for _ in range(2)]
    asked = question([*ordinary, *[day for month in range(12) for day in [30 * month + 29] * 40]])
    assert not stamped(asked).any()


def test_few_records_are_never_a_load() -> None:
    asked = question([*range(0, 300, 10), *[50] * 12])
    assert days_of(stamped(asked), asked) == [50], "a fifth of all on one day"
    assert not stamped(question([*range(0, 300, 3), *[50] * 15])).any()


def test_what_the_question_marks_is_kept_and_periods_have_none() -> None:
    asked = question([*range(100), *[50] * 80])
    marked = replace(asked, is_stamped=np.arange(180) < 3)
    assert stamped(marked).sum() == 3
    assert not stamped(replace(asked, is_periodic=True)).any()


def test_a_migrated_history_is_not_compared_and_a_clean_one_is() -> None:
    loaded = [judge(migrated(rep, 78, 26, 0.0, seed=5).question) for rep in range(5)]
    clean = [judge(migrated(rep, 78, 26, 0.0, seed=5, share=0.0).question) for rep in range(5)]
    assert {(v.verdict, v.reason) for v in loaded} == {("not_comparable", "migration_stamps")}
    assert "not_comparable" not in {v.verdict for v in clean}
