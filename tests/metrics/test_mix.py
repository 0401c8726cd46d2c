"""Who makes up the figure: a shifting mix is measured, split off, and does not pass for an effect."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.events import mix_shift
from metrics.mix import shifts
from metrics.panel import select
from metrics.question import Question
from metrics.standardise import standard_weights
from metrics.verdict import judge
from tests.metrics.worlds import rollout

DAY = np.datetime64("2025-01-06", "D")


def two_groups(shares: tuple[float, float], rates: tuple[tuple[float, float], tuple[float, float]]) -> Question:
    """1,000 rows on each side of a go-live, exactly in the given shares of segment 0 and with the given rates."""
    num, code, day = [], [], []
    for side in (0, 1):
        sizes = round(1000 * shares[side]), 1000 - round(1000 * shares[side])
        for group, size in enumerate(sizes):
            won = round(size * rates[side][group])
            num += [1.0] * won + [0.0] * (size - won)
            code += [group] * size
            day += [DAY + 365 * side + (k * 300) // size for k in range(size)]
    n = len(num)
    return Question(
        kind="proportion", better="higher", at=np.array(day).astype("datetime64[s]"), unit=np.zeros(n, np.int64),
        num=np.array(num), den=np.ones(n), observed=np.ones(n, bool), go_live=np.array([DAY + 350]), as_of=DAY + 700,
        learning_days=0, groups={"type": np.array(code)}, group_names={"type": ("new", "renewal")},
    )  # fmt: skip


def test_kitagawas_parts_add_up_to_the_plain_difference() -> None:
    question = two_groups((0.5, 0.2), ((0.4, 0.2), (0.5, 0.1)))
    (found,) = shifts(question, select(question, question.as_of))
    before, after = 0.5 * 0.4 + 0.5 * 0.2, 0.2 * 0.5 + 0.8 * 0.1
    assert found.within + found.mix == pytest.approx(after - before)
    assert found.mix == pytest.approx((0.2 - 0.5) * 0.45 + (0.8 - 0.5) * 0.15)
    assert [row["segment"] for row in found.table] == ["new", "renewal"]
    assert found.table[0]["share_after"] == pytest.approx(0.2)
    expected = (0.2 - 0.5) * np.log(0.2 / 0.5) + (0.8 - 0.5) * np.log(0.8 / 0.5) - 2 / 1000
    assert found.index == pytest.approx(expected)


def test_weights_restore_the_share_before_and_keep_the_total() -> None:
    question = two_groups((0.5, 0.2), ((0.4, 0.2), (0.4, 0.2)))
    rows = select(replace(question, held="type"), question.as_of)
    is_live = rows.day >= question.go_live[0]
    weighted = rows.weight * rows.den
    code = question.groups["type"][rows.picked]
    assert weighted[is_live].sum() == pytest.approx(is_live.sum())
    assert weighted[is_live & (code == 0)].sum() == pytest.approx(0.5 * is_live.sum())
    assert weighted[is_live] @ rows.num[is_live] / is_live.sum() == pytest.approx(0.3, abs=1e-3)


def test_a_segment_that_is_gone_leaves_its_share_to_the_others() -> None:
    code = np.array([0, 1, 1, 1])
    day = np.array([DAY, DAY, DAY + 400, DAY + 401])
    live = np.array([False, False, True, True])
    assert standard_weights(code, day, np.ones(4), live).tolist() == [1.0, 1.0, 1.0, 1.0]


def test_without_a_time_before_nothing_is_weighted() -> None:
    assert standard_weights(np.array([0, 1]), np.array([DAY, DAY]), np.ones(2), np.ones(2, bool)).tolist() == [1.0, 1.0]


def test_a_shifted_mix_is_no_worsening() -> None:
    verdicts = [judge(mix_shift(rep, 156, 52, 0.0, seed=5).question) for rep in range(4)]
    assert [v.verdict for v in verdicts] == ["inconclusive"] * 4
    assert all("The mix by segment shifted" in " ".join(v.caveats) for v in verdicts)
    plain = [judge(replace(mix_shift(rep, 156, 52, 0.0, seed=5).question, groups={})) for rep in range(4)]
    assert np.mean([v.effect_rel for v in plain]) < -0.1
    assert abs(np.mean([v.effect_rel or 0.0 for v in verdicts])) < 0.08


def test_sums_have_no_mix() -> None:
    question = rollout("count")
    question = replace(question, groups={"any": np.zeros(len(question.at), np.int64)})
    assert shifts(question, select(question, question.as_of)) == []
