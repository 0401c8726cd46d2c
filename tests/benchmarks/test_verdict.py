"""The benchmark of the verdict: its sums by hand, its worlds as promised, its command runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import publish, verdict
from benchmarks.opponents import Claim, newey_west, two_way_fixed_effects, welch
from benchmarks.processes import AHEAD_WEEKS, DIP_WEEKS, NOISE, SERIES, fading, second_order, single_series
from benchmarks.rollouts import Rollout, staggered
from benchmarks.tally import Answer, tally

NONE = Claim(float("nan"), float("nan"), float("nan"))


def test_shares_by_hand() -> None:
    found = tally(
        [
            Answer(Claim(0.12, 0.02, 0.22), True, 0.1, milliseconds=10),
            Answer(Claim(-0.20, -0.30, -0.10), True, 0.1, milliseconds=20),
            Answer(Claim(0.05, -0.10, 0.20), False, 0.1, is_barred=True, milliseconds=30),
            Answer(NONE, False, 0.1, milliseconds=40),
        ]
    )
    assert (found.coverage, found.called, found.wrong_sign, found.abstained) == (0.5, 0.5, 0.25, 0.5)
    assert found.bias == pytest.approx((0.02 - 0.30 - 0.05) / 3)
    assert found.rmse == pytest.approx(((0.02**2 + 0.30**2 + 0.05**2) / 3) ** 0.5)
    assert found.width == pytest.approx(0.20)
    assert found.milliseconds == 25


@pytest.mark.parametrize("process", SERIES)
def test_effects_are_planted_on_the_same_draws(process: str) -> None:
    without, with_effect = (single_series(process, 3, 78, 26, effect).question.num for effect in (0.0, 0.1))
    assert with_effect[:78] == pytest.approx(without[:78])
    assert with_effect[78:] == pytest.approx(1.1 * without[78:])


@pytest.mark.parametrize(("rep", "is_dip"), [(4, True), (5, False)])
def test_figures_ahead_of_a_go_live_are_put_off_or_hurried_and_nothing_else(rep: int, is_dip: bool) -> None:
    ratio = np.log(single_series("D13", rep, 78, 26, 0.0).question.num)
    first = 78 - AHEAD_WEEKS[1]
    usual, moved = np.mean(ratio[:first]), ratio[78 - AHEAD_WEEKS[0] : 78].mean()
    assert (moved < usual) == is_dip
    assert abs(ratio[78:].mean() - usual) < 0.2


def test_an_effect_that_fades_is_gone_and_averages_what_is_said() -> None:
    world, without = fading(2, 78, 26, 0.25), single_series("D2", 2, 78, 26, 0.0)
    lift = world.question.num / without.question.num - 1
    assert lift[:78] == pytest.approx(0.0) and lift[-8:] == pytest.approx(0.0)
    assert lift[78] > 0.5 and (np.diff(lift[78:]) <= 1e-12).all()
    assert lift[78 + DIP_WEEKS :].mean() == pytest.approx(0.25) and world.truth == 0.25


def test_teams_stop_reporting_some_weeks_after_the_first_go_live() -> None:
    question = staggered(Rollout(24, 12, ramp=False, waves=1, first_week=78, gone_never=8), 1).question
    last = np.array([question.at[question.unit == unit].max() for unit in range(24)]).astype("datetime64[D]")
    gone = last < question.as_of - 28
    assert gone.sum() == 8 and np.isnat(question.go_live[gone]).all()
    assert (last[gone] > np.nanmin(question.go_live) + 14).all()


def test_planned_go_lives_lie_after_the_data() -> None:
    question = staggered(Rollout(24, 22, waves=1, first_week=70, planned=22), 1).question
    assert (question.go_live > question.as_of).sum() == 22
    assert not np.isnat(question.go_live).any()


@pytest.mark.parametrize("lag_one", [0.2, 0.5, 0.8])
def test_longer_memory_has_the_stated_autocorrelation_and_spread(lag_one: float) -> None:
    noise = second_order(np.random.default_rng(1), 50_000, lag_one)
    assert np.corrcoef(noise[1:], noise[:-1])[0, 1] == pytest.approx(lag_one, abs=0.02)
    assert noise.std() == pytest.approx(NOISE, rel=0.05)


def test_teams_picked_after_a_bad_quarter_had_one() -> None:
    question = staggered(Rollout(20, 6, is_selected=True, waves=1, rate=200.0), 1).question
    live = ~np.isnat(question.go_live)
    day = question.at.astype("datetime64[D]")
    first = question.go_live[live][0]
    quarter = (day >= first - 91) & (day < first)
    early = day < first - 91
    share = [np.mean(live[question.unit[span]]) for span in (early, quarter)]
    assert share[1] < share[0]


def test_opponents_find_what_is_plain_and_the_claims_are_relative() -> None:
    world = single_series("D0", 1, 78, 26, 0.3)
    for opponent in (welch, newey_west):
        claim = opponent(world)
        assert claim.is_change and claim.covers(0.3), opponent.__name__
    teams = two_way_fixed_effects(staggered(Rollout(20, 6, 0.3, ramp=False, learning_weeks=0, rate=100.0), 1))
    assert teams.is_change and teams.effect == pytest.approx(0.3, abs=0.08)


def test_the_command_measures_and_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(publish, "DOCS", tmp_path)
    results = tmp_path / "rows.jsonl"
    asked = ["--reps", "2", "--only", "D7", "--write", "--results", str(results)]
    assert verdict.main(asked) == 0
    printed = capsys.readouterr().out
    assert "D7 78+26, +0%" in printed and "D7 156+52, +0%" in printed
    assert "| D7 | 78+26 | +0% | crmlift |" in (tmp_path / "benchmark.md").read_text()
    assert (tmp_path / "pictures" / "benchmark.svg").read_text().startswith("<svg")
    page, rows = (tmp_path / "benchmark.md").read_text(), results.read_text()
    assert verdict.main(asked) == 0
    assert (results.read_text(), (tmp_path / "benchmark.md").read_text()) == (rows, page)
    assert "D7" not in capsys.readouterr().out


def test_the_smallest_rise_found_lies_between_the_effects_measured() -> None:
    def row(effect: float, called: float) -> publish.Row:
        claims = [Answer(Claim(0, 0, 0), k < 10 * called, effect) for k in range(10)]
        return publish.Row("D0", "78+26", effect, "crmlift", tally(claims))

    curve = [row(-0.1, 0.9), row(0.0, 0.0), row(0.1, 0.6), row(0.2, 1.0)]
    assert publish.smallest_found(curve) == pytest.approx(0.15)
    assert publish.smallest_found(curve[:3]) is None
