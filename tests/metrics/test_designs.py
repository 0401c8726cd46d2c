"""Go-lives that are only planned: their units have not changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from metrics.designs import as_known, choose
from metrics.question import Question
from metrics.verdict import judge
from tests.metrics.worlds import START, WEEKS, rollout

NEVER = np.datetime64("NaT", "D")
END = START + 7 * WEEKS


def pilots(seed: int, live: int = 3, teams: int = 26) -> Question:
    """Teams of which a few went live in week 66 and the others are to follow; restless by themselves, no effect."""
    rng = np.random.default_rng(seed)
    week = np.arange(WEEKS)
    level = np.exp(np.cumsum(rng.normal(0, 0.05, (teams, WEEKS)), axis=1))
    unit, at = np.repeat(np.arange(teams), WEEKS), np.tile((START + 7 * week).astype("datetime64[s]"), teams)
    go_live = END + 28 * (1 + np.arange(teams) % 4)
    go_live[:live] = START + 7 * 66
    return Question(
        kind="mean", better="higher", at=at, unit=unit, num=40 * level.ravel(), den=np.ones(len(unit)),
        observed=np.ones(len(unit), dtype=bool), go_live=go_live, as_of=END, alpha_policy="single", is_periodic=True,
        with_check=False,
    )  # fmt: skip


def test_dates_ahead_are_as_if_never_and_counted() -> None:
    known, planned = as_known(pilots(1), END)
    assert planned == 23
    assert np.isnat(known.go_live[3:]).all() and (known.go_live[:3] == START + 7 * 66).all()
    asked = rollout()
    assert as_known(asked, END) == (asked, 0)


def test_the_design_counts_teams_that_have_left_their_learning_window() -> None:
    question = rollout(teams=24, never=4, waves=2, first_week=50, gap_weeks=20)
    soon = START + 7 * 72
    known, planned = as_known(question, soon)
    assert (choose(known, soon).is_randomised, planned) == (False, 0)
    early = START + 7 * 60
    known, planned = as_known(question, early)
    assert (choose(known, early).name, planned) == ("controls", 10)
    few = rollout(teams=24, never=4, waves=4, first_week=50, gap_weeks=20)
    known, planned = as_known(few, early)
    assert choose(known, early).is_randomised and planned == 15


def test_planned_go_lives_change_nothing_about_the_verdict() -> None:
    planned = pilots(2, live=6)
    never = replace(planned, go_live=np.where(planned.go_live >= END, NEVER, planned.go_live))
    told, wanted = judge(planned), judge(never)
    assert (told.verdict, told.effect, told.p_value) == (wanted.verdict, wanted.effect, wanted.p_value)
    assert told.diagnostics["teams_planned"] == 20 and "teams_planned" not in wanted.diagnostics


def test_few_pilots_of_many_planned_claim_nothing() -> None:
    live = [judge(pilots(seed, live=6)) for seed in range(6)]
    assert sum(each.verdict in ("improved", "worsened") for each in live) <= 1
    few = rollout("count", teams=24, never=0, waves=6, first_week=70, gap_weeks=30, effect=0.4)
    verdict = judge(few)
    assert (verdict.verdict, verdict.reason) == ("inconclusive", "not_enough_data")
    assert any("4 teams went live; 5 are needed" in words for words in verdict.caveats)
