"""The scorecard in the terminal."""

from __future__ import annotations

import dataclasses
import io
import json
from datetime import date
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from crmlift.report.catalogue import texts_for
from crmlift.report.wording import verdict_words
from crmlift.scorecard import ScorecardRow, render_scorecard, scorecard_json, scorecard_rows
from tests.crmlift.published_fixture import GOALS, build, empty


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[ScorecardRow]:
    path = build(tmp_path_factory.mktemp("scorecard") / "a.duckdb")
    with duckdb.connect(str(path), read_only=True) as connection:
        return scorecard_rows(connection)


def render(rows: list[ScorecardRow], locale: str = "en", **console: object) -> str:
    out = io.StringIO()
    render_scorecard(rows, Console(file=out, **console), locale)  # type: ignore[arg-type]
    return out.getvalue().replace("\u00a0", " ")


def test_goals_first_by_weight_then_the_rest(rows: list[ScorecardRow]) -> None:
    assert [row.kpi_id for row in rows if row.is_goal] == list(GOALS)
    assert [row.is_goal for row in rows] == sorted((row.is_goal for row in rows), reverse=True)
    assert all(row.is_pooled for row in rows)


def test_waves_on_request(tmp_path: Path) -> None:
    with duckdb.connect(str(build(tmp_path / "a.duckdb")), read_only=True) as connection:
        every = scorecard_rows(connection, is_pooled_only=False)
        assert scorecard_rows(connection, rollout_id="other") == []
    assert [row.wave_id for row in every if row.kpi_id == "win_rate"] == ["all", "wave-1", "wave-2", "wave-3"]


def test_every_column_of_a_line(rows: list[ScorecardRow]) -> None:
    text = render(rows)
    line = next(line for line in text.splitlines() if "Won revenue" in line)
    assert line.split()[:1] == ["✓"]
    for words in ("€369k", "€425k", "+11.8 %", "+4.2…+19.9 %", "+24.3 %", "improved"):
        assert words in line
    flat = " ".join(text.split())
    assert "The rollout improved 4 of the 6 goal KPIs." in flat
    assert "would have claimed 5 improvements" in flat


@pytest.mark.parametrize("locale", ["en", "uk"])
@pytest.mark.parametrize("width", [None, 100, 80])
def test_it_fits_and_nothing_is_cut(rows: list[ScorecardRow], locale: str, width: int | None) -> None:
    terminal = {} if width is None else {"width": width, "force_terminal": True, "color_system": None}
    text = render(rows, locale, **terminal)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= (width or 100)
    header = {"en": " naive ", "uk": " наївно "}[locale]
    assert (header in text) is (width != 80), "the naive column gives way first"
    assert "…\n" not in text and "… " not in text.replace("(…)", "")
    words = " ".join(text.split())
    for row in rows:
        last = verdict_words(row, texts_for(locale)).replace("\u00a0", " ").split()[-1]
        assert last in words, row.kpi_id


def test_plain_without_a_terminal_and_signs_without_colour(rows: list[ScorecardRow]) -> None:
    assert "\x1b[" not in render(rows)
    monochrome = render(rows, force_terminal=True, no_color=True, width=100)
    assert "\x1b[32m" not in monochrome and "\x1b[31m" not in monochrome
    coloured = render(rows, force_terminal=True, width=100, color_system="standard")
    assert "\x1b[32m" in coloured
    for sign in "✓✗=?–":
        assert f" {sign}  " in render(rows)


def test_a_provisional_estimate_stands_in_brackets(rows: list[ScorecardRow]) -> None:
    text = render(rows)
    assert "(−6.0 %)" in text and "(−14.0…+3.0 %)" in text
    row = next(row for row in rows if row.kpi_id == "win_rate")
    tonight = dataclasses.replace(row, look="provisional", verdict="inconclusive", reason="provisional")
    assert "(+9.4 %)" in render([tonight])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"verdict": "inconclusive", "reason": "too_noisy", "mde80": 0.118},
         "cannot tell yet: too noisy; would need a change of ≥ 12 %"),
        ({"verdict": "inconclusive", "reason": "too_noisy", "mde80": None}, "cannot tell yet: too noisy"),
        ({"verdict": "inconclusive", "reason": "not_enough_data"}, "cannot tell yet: not enough data"),
        ({"verdict": "not_comparable", "reason": "nothing_recorded_before"},
         "not comparable: nothing was recorded before"),
        ({"verdict": "not_comparable", "reason": "brand_new_reason"}, "not comparable: brand new reason"),
        ({"verdict": "improved", "method": "series_averaged"}, "better, beyond its own history"),
        ({"verdict": "worsened", "method": "series_averaged"}, "worse, beyond its own history"),
        ({"verdict": "no_material_change", "reason": None}, "no material change"),
    ],
)  # fmt: skip
def test_verdicts_in_words(rows: list[ScorecardRow], change: dict[str, object], words: str) -> None:
    row = dataclasses.replace(rows[0], **change)  # type: ignore[arg-type]
    assert verdict_words(row, texts_for("en")).replace("\u00a0", " ") == words


def test_json_keeps_published_names_and_unknowns(rows: list[ScorecardRow]) -> None:
    found = json.loads(json.dumps(scorecard_json(rows)))
    by_id = {row["kpi_id"]: row for row in found}
    assert by_id["won_revenue"]["effect_rel_ci_low"] == pytest.approx(0.042)
    assert by_id["won_revenue"]["as_of"] == "2026-11-02"
    assert by_id["activity_capture_rate"]["effect_rel"] is None


def test_an_empty_evaluation_names_the_next_step(tmp_path: Path) -> None:
    with empty(tmp_path / "e.duckdb") as connection:
        assert "Next: crmlift run" in render(scorecard_rows(connection))


def test_scores_change_in_points(rows: list[ScorecardRow]) -> None:
    row = dataclasses.replace(
        rows[0], unit="points_-100_100", stat_type="nps", pre_value=25.0, post_value=15.8, effect=-9.2, effect_ci_low=-31.0,
        effect_ci_high=12.6, effect_rel=-0.37, diagnostics={"naive_pre": 0.25, "naive_post": 0.131},
    )  # fmt: skip
    text = render([row])
    assert "−9.2" in text and "−31.0…+12.6" in text and "−11.9" in text
    assert "−37" not in text


def test_what_is_not_comparable_shows_no_change(rows: list[ScorecardRow]) -> None:
    row = dataclasses.replace(rows[0], verdict="not_comparable", reason="placebo")
    assert "+11.8 %" not in render([row])


def test_the_header_names_tonight_not_the_frozen_look(rows: list[ScorecardRow]) -> None:
    frozen = [dataclasses.replace(row, as_of=date(2026, 6, 29)) for row in rows]
    assert "as of 2 Nov 2026" in render(frozen)
