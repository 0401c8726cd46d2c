"""What a KPI is said to be follows what it is computed with: spans of time in its texts are its parameters in force."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connectors.errors import ExpectedFailure
from crmlift.places import KPIS
from crmlift.registry import Kpi, load_registry

SPANS = {
    "en": r"\b(half an?|one|two|three|six|twelve|\d+) (minute|hour|day|week|month|quarter|year)"
    r"|(?<!\} )\b(minute|hour|day|week|month|quarter|year)s? ago|within an? |(once|twice|times) an? (day|week|month|year)",
    "uk": r"\b(пів|один|два|дві|три|шість|\d+) ?(хвилин|годин|д(ен|н)|тиж|місяц|кварт|ро[ку])"
    r"|(тиж\w+|місяць|рік) тому|протягом (хвилини|години|дня|тижня|місяця|кварталу|року)|раз[иів]* на ",
}
"""Words that fix how long something takes or is looked back on; a KPI "in a month" names its period, and may."""
NUMBERED = [kpi for kpi in load_registry() if any(isinstance(v, int | float) for v in kpi.definition.params.values())]


def _texts(kpi: Kpi) -> list[str]:
    return [*kpi.names.values(), *kpi.questions.values()]


@pytest.mark.parametrize("locale", SPANS)
def test_no_text_fixes_a_span_of_time_in_words(locale: str) -> None:
    told = {
        f"{kpi.kpi_id}: {text}"
        for kpi in load_registry()
        for text in (kpi.definition.name[locale], kpi.definition.question[locale])
    }
    assert [text for text in told if re.search(SPANS[locale], text, re.IGNORECASE)] == []


@pytest.mark.parametrize(
    ("locale", "text"),
    [("en", "won within half a year"), ("en", "active a year ago"), ("en", "within an hour"), ("en", "at least once a week"),
     ("uk", "виграно за пів року"), ("uk", "активністю за 14 днів"), ("uk", "активних рік тому"), ("uk", "раз на тиждень")],
)  # fmt: skip
def test_spans_in_words_are_found(locale: str, text: str) -> None:
    assert re.search(SPANS[locale], text)


@pytest.mark.parametrize("kpi", NUMBERED, ids=lambda kpi: kpi.kpi_id)
def test_texts_tell_the_parameters_in_force(kpi: Kpi) -> None:
    changed = {
        name: 1000 + place
        for place, (name, value) in enumerate(kpi.definition.params.items())
        if isinstance(value, int | float)
    }
    (other,) = [k for k in load_registry(KPIS, {kpi.kpi_id: changed}) if k.kpi_id == kpi.kpi_id]
    for raw, before, after in zip(
        [*kpi.definition.name.values(), *kpi.definition.question.values()], _texts(kpi), _texts(other), strict=True
    ):
        named = re.findall(r"\{(\w+)\}", raw)
        assert all(f"{kpi.params[name]:g}" in before and str(changed[name]) in after for name in named)
        assert "{" not in before and (before == after) == (not named)


def test_both_languages_name_the_same_parameters() -> None:
    for kpi in load_registry():
        for texts in (kpi.definition.name, kpi.definition.question):
            assert len({frozenset(re.findall(r"\{(\w+)\}", text)) for text in texts.values()}) == 1, kpi.kpi_id


def test_a_text_that_names_no_parameter_is_refused(tmp_path: Path) -> None:
    source = KPIS / "sales" / "cohort_win_rate.yml"
    (tmp_path / "sales").mkdir()
    (tmp_path / "sales" / source.name).write_text(source.read_text().replace("{h_days} days", "{horizon} days"))
    (tmp_path / "sales" / "cohort_win_rate.sql").write_text(source.with_suffix(".sql").read_text())
    with pytest.raises(ExpectedFailure, match=r"\{horizon\}, which is no parameter") as told:
        load_registry(tmp_path)
    assert "known here: h_days" in str(told.value)
