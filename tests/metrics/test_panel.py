"""Which rows count, and which cells lie before, after, or in neither."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from metrics.panel import blocks, build, in_order, select, slots, spacing
from metrics.question import Question
from tests.metrics.worlds import START, rollout


def tiny(**changed: object) -> Question:
    """Two teams, one row a day for 100 days; team 0 live on day 40, ten days of learning."""
    day = np.tile(np.arange(100), 2)
    question = Question(
        kind="count", better="higher", at=(START + day).astype("datetime64[s]"), unit=np.repeat([0, 1], 100),
        num=np.ones(200), den=np.ones(200), observed=np.ones(200, dtype=bool),
        go_live=np.array([START + 40, np.datetime64("NaT", "D")]), as_of=START + 100, learning_days=10,
    )  # fmt: skip
    return replace(question, **changed)  # type: ignore[arg-type]


def states(question: Question) -> tuple[list[int], list[int]]:
    """Days before and days after of team 0."""
    rows = select(question, question.as_of)
    panel = build(question, rows, slots(question, rows.start, rows.end, "day"))
    return np.flatnonzero(panel.before[0]).tolist(), np.flatnonzero(panel.after[0]).tolist()


def test_the_learning_window_belongs_to_neither_side() -> None:
    before, after = states(tiny())
    assert before == list(range(40))
    assert after == list(range(50, 100))


def test_rows_whose_outcome_was_open_at_go_live_are_left_out_and_young_ones_too() -> None:
    before, after = states(tiny(kind="proportion", horizon_days=15))
    assert before == list(range(25))
    assert after == list(range(50, 85))


def test_quantiles_count_open_cases_for_what_is_known_of_them() -> None:
    time = np.tile(np.arange(1.0, 11.0), 20)
    question = tiny(kind="quantile", num=time, observed=time != 5.0, share=0.5)
    panel = build(question, select(question, question.as_of), np.array([START, START + 10, START + 100]))
    assert panel.num / panel.den == pytest.approx(np.full((2, 2), 6.0))
    too_early = replace(question, observed=time < 5.0)
    panel = build(too_early, select(too_early, question.as_of), np.array([START, START + 10, START + 100]))
    assert not panel.den.any()


def test_unobserved_rows_do_not_count() -> None:
    question = tiny(kind="proportion", observed=np.repeat([True, False], 100))
    assert set(select(question, question.as_of).unit.tolist()) == {0}


def test_rows_before_recording_can_be_trusted_are_dropped() -> None:
    question = tiny(recorded_from=START + 20)
    assert select(question, question.as_of).day.min() == START + 20


def test_the_order_of_rows_is_of_no_consequence() -> None:
    question = tiny()
    order = np.random.default_rng(1).permutation(200)
    mixed = replace(question, at=question.at[order], unit=question.unit[order])
    sorted_again = in_order(mixed)
    edges = slots(question, START, START + 100, "day")
    first = build(question, select(question, question.as_of), edges)
    assert np.array_equal(first.num, build(sorted_again, select(sorted_again, mixed.as_of), edges).num)


def test_a_team_that_began_later_has_no_zeros_before_it_existed() -> None:
    question = rollout(teams=6, never=2, rate=5)
    late = question.at >= (START + 140).astype("datetime64[s]")
    keep = (question.unit != 0) | late
    young = replace(
        question, at=question.at[keep], unit=question.unit[keep], num=question.num[keep], den=question.den[keep],
        observed=question.observed[keep],
    )  # fmt: skip
    rows = select(young, young.as_of)
    panel = build(young, rows, slots(young, rows.start, rows.end, "day"))
    assert not panel.before[0, :100].any()
    assert panel.before[1, :100].all()


def test_blocks_are_runs_without_a_change_of_state() -> None:
    question = tiny()
    rows = select(question, question.as_of)
    panel = build(question, rows, slots(question, rows.start, rows.end, "day"))
    cells, first = blocks(panel, multiplicative=True)
    assert first.tolist() == [0, 40, 50]
    assert cells.num[0].tolist() == [40, 10, 50]
    assert blocks(panel, multiplicative=True, max_days=25)[1].tolist() == [0, 25, 40, 50, 75]


def test_durations_become_restricted_means_chosen_from_the_time_before() -> None:
    question = rollout("duration", teams=6, never=2, rate=5)
    rows = select(question, question.as_of)
    assert 35 < rows.horizon_days < 60
    assert rows.end == question.as_of - np.timedelta64(int(np.ceil(rows.horizon_days)), "D")


@pytest.mark.parametrize(("step", "name"), [("D", "day"), ("W", "week"), ("M", "month"), ("Y", "year")])
def test_spacing_of_ready_made_rows(step: str, name: str) -> None:
    assert spacing(np.arange(10).astype(f"datetime64[{step}]").astype("datetime64[s]")) == name


def test_four_weeks_and_quarters_are_told_from_months() -> None:
    assert spacing((START + 28 * np.arange(9)).astype("datetime64[s]")) == "4 weeks"
    quarters = np.arange(0, 30, 3).astype("datetime64[M]").astype("datetime64[s]")
    assert spacing(quarters) == "quarter"


def test_fiscal_years_begin_where_they_are_said_to() -> None:
    question = tiny(fiscal_start_month=4)
    edges = slots(question, np.datetime64("2023-01-01"), np.datetime64("2026-01-01"), "year")
    assert edges.astype(str).tolist() == ["2023-04-01", "2024-04-01", "2025-04-01"]
