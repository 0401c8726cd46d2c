"""Which column of a file is which target of an entity, told by headers; an id only where no two rows share it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.files.cells import plain
from connectors.files.entities import Entity, Target
from connectors.files.numbers import NotANumber, canonical
from connectors.files.special import is_filled
from connectors.files.tables import Table, same_name

SHARED = {"name", "account"}
"""Targets that may be the same column as another one: a company's name is often its only key."""
LEAST_WORD = 4
"""A header that begins or ends with a shorter word says nothing by it."""
_MARK = re.compile(r"\d{1,3}([.,]\d+)?|[xх✓+-]|yes|no|так|ні")
MOSTLY = 0.8
MOST_DISTINCT, FIRST_MARKS = 100_000, 500


@dataclass
class ColumnProfile:
    """What the cells of a column say before anybody knows what it is.

    filled: how many. distinct: hashes of the different ones; given up (None) where there are many and some repeat.
    highest: the largest number, None where a cell is none. first: a cell. marks: the first cells as text.
    """

    filled: int = 0
    distinct: set[int] | None = field(default_factory=set)
    highest: float | None = -math.inf
    first: Any = None
    marks: list[str] = field(default_factory=list)

    def add(self, cell: Any) -> None:
        """Take in a cell that is not empty."""
        self.filled += 1
        text = plain(cell)
        if self.distinct is not None:
            self.distinct.add(hash(text))
            if len(self.distinct) < self.filled and len(self.distinct) > MOST_DISTINCT:
                self.distinct = None
        if self.highest is not None:
            try:
                self.highest = max(self.highest, float(canonical(text, ".", ",")))
            except NotANumber:
                self.highest = None
        if len(self.marks) < FIRST_MARKS:
            self.first = cell if self.first is None else self.first
            self.marks.append(text)

    @property
    def repeats(self) -> int | None:
        """How many cells say what another one says; None: many."""
        return None if self.distinct is None else self.filled - len(self.distinct)


@dataclass
class Profile:
    """The rows of a table, and what they say of its columns."""

    rows: int
    columns: list[ColumnProfile]

    @classmethod
    def of(cls, table: Table) -> Profile:
        """Read a table to its end, in bounded memory."""
        found = cls(0, [ColumnProfile() for _ in table.header])
        for _, row in table.rows():
            found.rows += 1
            for column, cell in zip(found.columns, row, strict=False):
                if is_filled(cell):
                    column.add(cell)
        return found

    def is_key(self, place: int) -> bool:
        """Whether a column is filled in every row and never twice with the same."""
        column = self.columns[place]
        return self.rows > 0 and column.filled == self.rows and column.repeats == 0


def words(name: str) -> str:
    """A header as its words, for comparing."""
    return re.sub(r"[\s_.,:;()/\\?!\[\]№#-]+", " ", same_name(name)).strip()


def match_columns(entity: Entity, header: Sequence[str]) -> dict[str, str]:
    """Target → column: the first of a target's names that is a header, else one that a header begins or ends with.

    An id is only ever a header that is called so.
    """
    by_words: dict[str, str] = {}
    for name in header:
        by_words.setdefault(words(name), name)
    found: dict[str, str] = {}
    used: set[str] = set()
    for target in entity.targets.values():
        for word in (words(target.name), *map(words, target.names)):
            column = by_words.get(word)
            if column and (column not in used or target.name in SHARED):
                found[target.name] = column
                used.add(column)
                break
    for target in entity.targets.values():
        if target.name not in found and target.name != "id" and (near := _near(target, by_words, used)):
            found[target.name] = near
            used.add(near)
    return found


def _near(target: Target, by_words: Mapping[str, str], used: set[str]) -> str | None:
    """The column whose header begins or ends with the longest of a target's names."""
    for word in sorted(map(words, target.names), key=len, reverse=True):
        if len(word) < LEAST_WORD:
            continue
        edge = re.compile(rf"(^{re.escape(word)}\b|\b{re.escape(word)}$)")
        near = next((column for said, column in by_words.items() if edge.search(said) and column not in used), None)
        if near:
            return near
    return None


def likeliest(header: Sequence[str], known: Mapping[str, Entity], questions: int) -> list[Entity]:
    """The entities that need least and take most of the header; several when they fit alike."""

    def fit(entity: Entity) -> float:
        columns = match_columns(entity, header)
        missing = sum(need not in columns for need in entity.needs)
        asked = 2.0 * questions if entity.name == "survey_response" and "responded_at" in columns else 0.0
        own = 1.5 if {"opportunity": "amount", "cost_item": "category"}.get(entity.name, "-") in columns else 0.0
        named = 1.0 if any(words(entity.name) + " id" == words(name) for name in header) else 0.0
        return len(set(columns.values())) - 2.0 * (missing if not asked else 0) + asked + own + named

    fits = {entity.name: fit(entity) for entity in known.values()}
    best = max(fits.values())
    return [entity for entity in known.values() if fits[entity.name] == best]


def is_matrix(header: Sequence[str], profile: Profile) -> bool:
    """Whether criteria stand in the first column and a product's marks in each of the others."""
    if len(header) < 3 or not re.search(r"criteri|requirement|feature|критер|вимог|функці", header[0], re.IGNORECASE):
        return False
    marks = [mark.lower() for column in profile.columns[1:] for mark in column.marks]
    return bool(marks) and sum(bool(_MARK.fullmatch(mark)) for mark in marks) >= MOSTLY * len(marks)
