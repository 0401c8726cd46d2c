"""Texts people read, in English and Ukrainian: one flat catalogue a language, `texts/<locale>.yml`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

LOCALES = ("en", "uk")
FOLDER = Path(__file__).with_name("texts")


class Texts:
    """The catalogue of one language: `texts("verdict.improved")`, `texts("goals.count", n=3)`.

    A value is a string with {placeholders}, or a mapping of plural forms chosen by `n`. An unknown key raises KeyError:
    a sentence that is missing is a bug, never an empty place on the page.
    """

    def __init__(self, locale: str, entries: Mapping[str, Any], sentences: Mapping[str, str] | None = None) -> None:
        self.locale = locale
        self.entries = entries
        self.sentences = [(_pattern(english), told) for english, told in (sentences or {}).items()]

    def __call__(self, key: str, **values: object) -> str:
        """The text of `key` with its placeholders filled."""
        entry = self.entries[key]
        if isinstance(entry, Mapping):
            entry = entry[plural_form(self.locale, int(str(values["n"])))]
        return str(entry).format(**values) if values else str(entry)

    def has(self, key: str) -> bool:
        """Whether the catalogue knows `key`."""
        return key in self.entries

    def or_plain(self, prefix: str, code: str) -> str:
        """The text of `prefix.code`; a code nobody translated reads as its own words, and a sentence as itself."""
        key = f"{prefix}.{code}"
        return self(key) if self.has(key) else code.replace("_", " ")

    def sentence(self, english: str) -> str:
        """A sentence that the statistics wrote, in this language; as it is when nobody translated it."""
        for pattern, told in self.sentences:
            if found := pattern.fullmatch(english):
                return told.format(**found.groupdict())
        return english


def _pattern(english: str) -> re.Pattern[str]:
    """A template such as "Only {n} records" as a pattern that finds n."""
    parts = re.split(r"\{(\w+)\}", english)
    return re.compile("".join(f"(?P<{p}>.+?)" if i % 2 else re.escape(p) for i, p in enumerate(parts)))


@cache
def texts_for(locale: str) -> Texts:
    """The catalogue of `locale`; English for a language we do not have."""
    known = locale if locale in LOCALES else "en"
    sentences = FOLDER / f"{known}_sentences.yml"
    return Texts(known, _read(FOLDER / f"{known}.yml"), _read(sentences) if sentences.exists() else {})


def _read(path: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def plural_form(locale: str, n: int) -> str:
    """CLDR plural category of an integer: one/many (English), one/few/many (Ukrainian)."""
    if locale != "uk":
        return "one" if n == 1 else "many"
    if n % 10 == 1 and n % 100 != 11:
        return "one"
    if n % 10 in (2, 3, 4) and n % 100 not in (12, 13, 14):
        return "few"
    return "many"
