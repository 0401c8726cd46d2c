"""Units that stop reporting: unknown from then on, named, and told from those that are merely quiet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from metrics.panel import build, select, slots
from metrics.presence import presence
from metrics.question import Question
from metrics.verdict import judge

DAY = np.timedelta64(1, "D")
START, DAYS, LIVE = np.datetime64("2025-02-03", "D"), 560, 420


def shops(
    seed: int, *, live: int = 10, others: int = 10, gone: dict[int, int] | None = None, rate: float = 0.6,
    effect: float = 0.0, kind: str = "count",
) -> Question:  # fmt: skip
    """Shops with `rate` orders a day; the first `live` of them change on day LIVE. gone: unit → its last day."""
    rng = np.random.default_rng(seed)
    count = live + others
    chance = rate * np.exp(rng.normal(0, 0.2, count))[:, None] * np.ones((1, DAYS))
    chance[:live, LIVE:] *= 1 + effect
    for unit, last in (gone or {}).items():
        chance[unit, last + 1 :] = 0.0
    number = rng.poisson(chance)
    unit, day = (np.repeat(each.ravel(), number.ravel()) for each in np.indices(number.shape))
    go_live = np.full(count, np.datetime64("NaT", "D"))
    go_live[:live] = START + LIVE
    return Question(
        kind=kind, better="higher", at=(START + day).astype("datetime64[s]"), unit=unit.astype(np.int64),  # type: ignore[arg-type]
        num=np.ones(len(day)), den=np.ones(len(day)), observed=np.ones(len(day), dtype=bool), go_live=go_live,
        as_of=START + DAYS, alpha_policy="single", with_check=False,
    )  # fmt: skip


def gone_after(units: range, seed: int = 0, first: int = 480) -> dict[int, int]:
    return {unit: first + int(day) for unit, day in zip(
        units, np.random.default_rng(seed).integers(0, 15, len(units)), strict=True)}  # fmt: skip


def seen(question: Question) -> Any:
    return presence(question, START, START + DAYS)


def test_silence_that_is_long_and_rare_ends_a_unit() -> None:
    found = seen(shops(1, gone={3: 470, 15: 300}))
    assert np.flatnonzero(found.stopped).tolist() == [3, 15]
    assert START + 465 <= found.last[3] <= START + 470 < found.ends[3] + 6
    assert (found.ends[[0, 1, 2]] == START + DAYS).all()


def test_a_unit_with_a_few_rows_a_month_may_pause() -> None:
    """A row every ten days or so: eight weeks without one come by chance, half a year without one does not."""
    rng = np.random.default_rng(7)
    for pause, is_gone in ((60, False), (190, True)):
        question = shops(2)
        days = np.unique(rng.integers(0, DAYS - pause, 40))
        at = (START + days).astype("datetime64[s]")
        kept = question.unit != 4
        rare = replace(
            question, at=np.r_[question.at[kept], at], unit=np.r_[question.unit[kept], np.full(len(at), 4)],
            num=np.ones(kept.sum() + len(at)), den=np.ones(kept.sum() + len(at)),
            observed=np.ones(kept.sum() + len(at), dtype=bool),
        )  # fmt: skip
        assert bool(seen(rare).stopped[4]) == is_gone


def test_a_pause_a_unit_had_before_is_none_that_ends_it() -> None:
    question = shops(3, rate=1.5)
    day = (question.at.astype("datetime64[D]") - START).astype(int)
    closed = (question.unit == 6) & (((day >= 100) & (day < 190)) | (day >= DAYS - 80))
    names = ("at", "unit", "num", "den", "observed")
    seasonal = replace(question, **{name: getattr(question, name)[~closed] for name in names})
    assert not seen(seasonal).stopped.any()


def test_cells_after_the_last_row_are_unknown() -> None:
    question = shops(1, gone={3: 470})
    rows = select(question, question.as_of)
    panel = build(question, rows, slots(question, rows.start, rows.end, "day"))
    assert panel.after[3, 462:465].all() and not panel.after[3, 480:].any()
    assert panel.after[2, 480:].all()


@pytest.mark.parametrize(
    ("units", "words"),
    [
        (range(10, 17), "7 of 10 units that did not go live have no rows after"),
        (range(4), "4 of 10 units that went live have no rows after"),
    ],
)
def test_units_that_stop_make_no_effect_and_are_named(units: range, words: str) -> None:
    found = [judge(shops(seed, gone=gone_after(units, seed))) for seed in range(6)]
    assert sum(each.verdict in ("improved", "worsened") for each in found) <= 1
    assert all(any(words in caveat for caveat in each.caveats) for each in found)
    stopped = found[0].diagnostics["stopped"]
    assert stopped["treated" if units.start == 0 else "controls"] == len(units)
    assert all(abs(each.diagnostics["naive_change_rel"]) < 0.25 for each in found)


def test_an_effect_beside_units_that_stopped_is_found() -> None:
    found = [judge(shops(seed, gone=gone_after(range(10, 14)), effect=0.6, rate=1.0)) for seed in range(3)]
    assert [each.verdict for each in found] == ["improved"] * 3


def test_stopping_at_the_go_live_may_itself_be_the_effect() -> None:
    """Shops that are left sell 40 % more; six fell silent with the change: more or less is anybody's guess."""
    question = shops(4, live=14, gone=gone_after(range(6), first=LIVE + 10), effect=0.4, rate=1.5)
    verdict = judge(question)
    assert (verdict.verdict, verdict.reason) == ("inconclusive", "diagnostics_disagree")
    assert "6 of them stopped at about their own go-live; dropping out may itself be an effect." in verdict.caveats
    assert verdict.diagnostics["stopped_as_zero"]["estimate"] < 0 < verdict.diagnostics["theta"]


def test_one_series_of_units_of_which_some_stop_is_that_of_the_others() -> None:
    question = shops(6, live=4, others=0, gone={2: 500}, rate=6.0)
    verdict = judge(question)
    assert verdict.verdict == "inconclusive"
    assert "Units that stopped are left out of both sides." in verdict.caveats
    assert verdict.effect_rel == pytest.approx(0.0, abs=0.12)


def test_one_series_of_people_who_come_and_go_is_that_of_whoever_is_there() -> None:
    question = shops(6, live=4, others=0, gone={2: 500}, rate=6.0)
    late = (question.unit == 3) & (question.at < (START + 500).astype("datetime64[s]"))
    names = ("at", "unit", "num", "den", "observed")
    verdict = judge(replace(question, **{name: getattr(question, name)[~late] for name in names}))
    assert "Units come and go; the figure is that of whoever was there." in verdict.caveats
    assert verdict.effect_rel == pytest.approx(0.0, abs=0.15)


def test_a_source_that_ended_before_as_of_is_not_zero_since() -> None:
    question = replace(shops(8, live=1, others=0, rate=5.0), as_of=START + DAYS + 200)
    verdict = judge(question)
    assert any("1 of 1 units that went live have no rows after" in words for words in verdict.caveats)
    assert verdict.verdict == "inconclusive"
    assert verdict.post_end is not None and verdict.post_end <= (START + DAYS + 7).item()


def test_ready_made_periods_of_units_that_end_are_named() -> None:
    week = np.arange(100)
    at = np.tile((START + 7 * week).astype("datetime64[s]"), 12)
    unit = np.repeat(np.arange(12), 100)
    rng = np.random.default_rng(3)
    kept = ~((unit >= 9) & (np.tile(week, 12) > 75))
    go_live = np.where(np.arange(12) < 6, START + 7 * 60, np.datetime64("NaT", "D"))
    question = Question(
        kind="sum", better="higher", at=at[kept], unit=unit[kept], num=rng.lognormal(3, 0.2, kept.sum()),
        den=np.ones(kept.sum()), observed=np.ones(kept.sum(), dtype=bool), go_live=go_live,
        as_of=START + 700, alpha_policy="single", is_periodic=True, with_check=False,
    )  # fmt: skip
    verdict = judge(question)
    assert verdict.verdict == "inconclusive"
    assert any(words.startswith("3 of 6 units that did not go live have no rows after") for words in verdict.caveats)
