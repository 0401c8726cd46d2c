"""Teams picked in a bad quarter: the return to normal is not told as an effect."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from metrics.question import Question
from metrics.verdict import judge
from tests.metrics.worlds import START, rollout


def dipped(weeks_before: int = 52) -> Question:
    """No effect; the teams that go live on one date lost half of their deals in the quarter before it."""
    asked = rollout(teams=24, never=10, waves=1, first_week=weeks_before, rate=40.0)
    go_live = asked.go_live[asked.unit]
    in_quarter = ~np.isnat(go_live) & (asked.at < go_live) & (asked.at >= go_live - np.timedelta64(91, "D"))
    kept = ~in_quarter | (np.arange(len(asked.at)) % 2 == 0)
    return replace(asked, at=asked.at[kept], unit=asked.unit[kept], num=asked.num[kept], den=asked.den[kept],
                   observed=asked.observed[kept])  # fmt: skip


def test_the_bad_quarter_is_left_out_and_said_so() -> None:
    verdict = judge(dipped())
    assert verdict.verdict == "inconclusive"
    assert any("unusually badly; the interval allows for a return" in words for words in verdict.caveats)
    assert verdict.effect_rel == pytest.approx(0.0, abs=0.05)
    with_quarter = verdict.diagnostics["with_quarter_before"]
    assert with_quarter["low"] > 0
    assert verdict.effect_rel_ci_high == pytest.approx(max(np.expm1(with_quarter["high"]), verdict.effect_rel_ci_high))
    assert verdict.pre_end is not None
    assert np.datetime64(verdict.pre_end) <= START + 7 * 39


def test_with_too_little_before_the_quarter_it_contradicts() -> None:
    verdict = judge(dipped(weeks_before=34))
    assert (verdict.verdict, verdict.reason) == ("inconclusive", "diagnostics_disagree")
    assert any("too little before it" in words for words in verdict.caveats)


def test_an_ordinary_quarter_stays() -> None:
    verdict = judge(rollout(effect=0.25))
    assert verdict.diagnostics["quarter_before"]["p_value"] > 0.2
    assert "with_quarter_before" not in verdict.diagnostics
