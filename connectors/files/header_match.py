"""Which column of a file is which target of an entity, told by headers; an id only where no two rows share it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.files.cells import plain
from connectors.files.entities import Entity, Target
from connectors.files.special import is_filled
from connectors.files.tables import Table, same_name

SHARED = {"name", "account"}
"""Targets that may be the same column as another one: a company's name is often its only key."""
LEAST_WORD = 4
"""A header that begins or ends with a shorter word says nothing by it."""


@dataclass
class Profile:
    """What the rows of a table say of its columns: how many there are, and in how many each column is filled, and new.

    cells: all cells by column, to tell how they are written.
    """

    rows: int = 0
    cells: list[list[tuple[Any, int]]] = field(default_factory=list)

    @classmethod
    def of(cls, table: Table) -> Profile:
        """Read a table to its end."""
        found = cls(cells=[[] for _ in table.header])
        for number, row in table.rows():
            found.rows += 1
            for place, cell in enumerate(row[: len(table.header)]):
                if is_filled(cell):
                    found.cells[place].append((cell, number))
        return found

    def repeats(self, place: int) -> int:
        """How many cells of a column say what another one says."""
        return len(self.cells[place]) - len({plain(cell) for cell, _ in self.cells[place]})

    def is_key(self, place: int) -> bool:
        """Whether a column is filled in every row and never twice with the same."""
        return self.rows > 0 and len(self.cells[place]) == self.rows and not self.repeats(place)


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
    marks = [plain(cell) for column in profile.cells[1:] for cell, _ in column]
    return bool(marks) and sum(
        bool(re.fullmatch(r"\d{1,3}([.,]\d+)?|[xх✓+-]|yes|no|так|ні", m.lower())) for m in marks
    ) >= 0.8 * len(marks)
