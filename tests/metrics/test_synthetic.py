"""One treated group, many controls: weighted so that they run parallel before."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from metrics import synthetic
from metrics.designs import choose
from metrics.question import Question
from metrics.verdict import judge

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "published_results"
MONTHS, LIVE = 36, 24


def months(effect: float, treated: int = 1, controls: int = 20, seed: int = 4) -> Question:
    """Monthly values of teams that follow one of two trends; the treated follow the steeper one."""
    rng = np.random.default_rng(seed)
    teams = treated + controls
    dates = np.arange("2022-01", "2025-01", dtype="datetime64[M]").astype("datetime64[D]")
    steep = np.arange(teams) < treated + controls // 2
    t = np.arange(MONTHS)
    value = 100 + np.where(steep, 2.0, 0.2)[:, None] * t + rng.normal(0, 1.0, (teams, MONTHS))
    value[:treated, LIVE:] += effect
    go_live = np.full(teams, np.datetime64("NaT", "D"))
    go_live[:treated] = dates[LIVE]
    n = teams * MONTHS
    return Question(
        kind="mean", better="higher", at=np.tile(dates, teams).astype("datetime64[s]"),
        unit=np.repeat(np.arange(teams), MONTHS), num=value.ravel(), den=np.ones(n), observed=np.ones(n, bool),
        go_live=go_live, as_of=np.datetime64("2025-01-01"), learning_days=0, alpha_policy="single", is_periodic=True,
    )  # fmt: skip


def test_the_right_controls_are_found_and_a_steeper_trend_is_no_effect() -> None:
    none, some = judge(months(0.0)), judge(months(10.0))
    assert none.method == some.method == "synthetic_did"
    assert none.verdict == "inconclusive"
    assert some.verdict == "improved"
    assert some.effect_ci_low is not None and some.effect_ci_low < 10 < (some.effect_ci_high or 0)
    assert abs(some.diagnostics["difference_in_differences"] - 10) > 8, "unweighted controls are not parallel"
    assert {each["control"] for each in some.diagnostics["control_weights"][:3]} <= set(range(1, 11))


def test_it_needs_controls_enough_and_one_date() -> None:
    question = months(0.0)
    assert synthetic.applies(question, choose(question, question.as_of))
    few = months(0.0, controls=9)
    assert not synthetic.applies(few, choose(few, few.as_of))
    assert judge(few).verdict == "inconclusive" and judge(few).reason == "not_enough_data"
    many = months(0.0, treated=6)
    assert not synthetic.applies(many, choose(many, many.as_of))


def test_controls_with_gaps_are_left_out() -> None:
    question = months(10.0)
    kept = ~((question.unit == 5) & (question.at == question.at[3]))
    rows = {name: getattr(question, name)[kept] for name in ("at", "unit", "num", "den", "observed")}
    assert judge(replace(question, **rows)).diagnostics["controls"] == 19


@pytest.mark.skipif(not DATA.is_dir(), reason="the published data sets are not beside the repository")
def test_proposition_99() -> None:
    with (DATA / "california_prop99.csv").open() as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    states = sorted({row["State"] for row in rows})
    go_live = np.full(len(states), np.datetime64("NaT", "D"))
    go_live[states.index("California")] = np.datetime64("1989-01-01")
    n = len(rows)
    found = judge(
        Question(
            kind="mean", better="lower", at=np.array([f"{row['Year']}-01-01" for row in rows], dtype="datetime64[s]"),
            unit=np.array([states.index(row["State"]) for row in rows]),
            num=np.array([float(row["PacksPerCapita"]) for row in rows]), den=np.ones(n), observed=np.ones(n, bool),
            go_live=go_live, as_of=np.datetime64("2001-01-01"), learning_days=0, alpha_policy="single", is_periodic=True,
        )
    )  # fmt: skip
    assert found.effect == pytest.approx(-15.60, abs=0.005)
    assert found.diagnostics["difference_in_differences"] == pytest.approx(-27.35, abs=0.005)
    assert found.effect_ci_high is not None and found.effect is not None
    assert (found.effect_ci_high - found.effect) / 1.959964 == pytest.approx(10.9, rel=0.15)
