"""Both languages say the same things."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from crmlift.report.catalogue import FOLDER, plural_form, texts_for

EN, UK = texts_for("en"), texts_for("uk")
PACKAGE = Path(FOLDER).parent.parent


def placeholders(entry: object) -> set[str]:
    text = " ".join(str(v) for v in entry.values()) if isinstance(entry, dict) else str(entry)
    return set(re.findall(r"\{(\w+)\}", text))


def test_same_keys_and_placeholders() -> None:
    assert set(EN.entries) == set(UK.entries)
    for key in EN.entries:
        assert placeholders(EN.entries[key]) == placeholders(UK.entries[key]), key
        assert isinstance(EN.entries[key], dict) == isinstance(UK.entries[key], dict), key


def test_plural_forms_are_complete() -> None:
    for key, entry in EN.entries.items():
        if isinstance(entry, dict):
            assert set(entry) == {"one", "many"}, key
            assert set(UK.entries[key]) == {"one", "few", "many"}, key


def test_ukrainian_is_ukrainian() -> None:
    same = {key for key, text in UK.entries.items() if text == EN.entries[key]}
    assert same <= {"chart.title", "footer.version", "scorecard.kpi", "forest.kpi", "alerts.kpi", "unjudged.kpi"}


@pytest.mark.parametrize(
    ("n", "form"),
    [(1, "one"), (2, "few"), (4, "few"), (5, "many"), (11, "many"), (12, "many"), (21, "one"), (22, "few")],
)
def test_ukrainian_plurals(n: int, form: str) -> None:
    assert plural_form("uk", n) == form


def test_every_text_is_used() -> None:
    """A key nobody asks for, literally or by its family, is dead."""
    sources = [*PACKAGE.glob("report/*.py"), *PACKAGE.glob("report/templates/*"), *PACKAGE.glob("alerts/*.py")]
    code = "".join(path.read_text(encoding="utf-8") for path in [*sources, PACKAGE / "scorecard.py"])
    families = (
        "verdict.",
        "reason.",
        "headline.",
        "method.",
        "alert",
        "severity.",
        "look.",
        "nav.",
        "data.",
        "chart.",
        "values.grain_",
        "values.origin.",
        "values.status.",
    )
    unused = [key for key in EN.entries if f'"{key}"' not in code and f"'{key}'" not in code
              and not key.startswith((*families, "scorecard."))]  # fmt: skip
    assert unused == []


def test_sentences_of_the_statistics_are_translated_with_their_figures() -> None:
    english = "Only 7 weeks before the go-live; 26 are needed."
    assert UK.sentence(english) == "Тижнів до запуску: 7; потрібно 26."
    assert EN.sentence(english) == english
    assert UK.sentence("Something new.") == "Something new."


def test_translated_sentences_keep_their_placeholders() -> None:
    pairs = yaml.safe_load((FOLDER / "uk_sentences.yml").read_text(encoding="utf-8"))
    for english, told in pairs.items():
        assert placeholders(told) <= placeholders(english), english


def test_an_unknown_key_is_a_bug_not_an_empty_place() -> None:
    with pytest.raises(KeyError):
        EN("no.such.key")
    assert EN.or_plain("reason", "some_new_reason") == "some new reason"
    assert texts_for("fr").locale == "en"
