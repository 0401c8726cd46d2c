"""What a file can be mapped to: the entries of entities.yml, and the raw table each becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

from connectors.contract import Field, FieldType, StreamSchema

SYSTEM = "files"
PROBLEM = "row_problem"
"""Empty in a whole row; in a row that cannot be loaded it says why, and is no boolean, so the load rejects the row."""

KINDS: Mapping[str, FieldType] = {
    "text": FieldType.TEXT,
    "choice": FieldType.TEXT,
    "number": FieldType.NUMBER,
    "share": FieldType.NUMBER,
    "money": FieldType.DECIMAL,
    "integer": FieldType.INTEGER,
    "boolean": FieldType.BOOLEAN,
    "date": FieldType.DATE,
    "moment": FieldType.TIMESTAMP,
    "instant": FieldType.TIMESTAMP,
}
PERSONAL = {"respondent", "email", "comment"}


@dataclass(frozen=True)
class Target:
    """A column of an entity.

    names: headers that probably mean it. words: what a cell may say → the canonical word, lower case (choices only).
    is_end: the end of a period, which people write as its last day and tables hold as the day after.
    """

    name: str
    kind: str
    names: tuple[str, ...] = ()
    words: Mapping[str, str] | None = None
    is_end: bool = False

    @property
    def choices(self) -> tuple[str, ...]:
        """The canonical words of a choice."""
        return tuple(dict.fromkeys((self.words or {}).values()))

    @property
    def fields(self) -> tuple[str, ...]:
        """Its columns in the raw table; a moment has two: a day is not an instant."""
        return (self.name, day_field(self.name)) if self.kind == "moment" else (self.name,)


@dataclass(frozen=True)
class Entity:
    """A core entity or input contract; see entities.yml. spare: targets a record is as good without."""

    name: str
    about: str
    key: tuple[str, ...]
    needs: tuple[str, ...]
    targets: Mapping[str, Target]
    spare: frozenset[str] = frozenset()

    def is_spare(self, target: str) -> bool:
        """Whether a cell of the target that cannot be read is left empty, instead of rejecting its row."""
        is_text = self.targets[target].kind == "text" and target not in ("id", "currency")
        return (is_text or target in self.spare) and target not in (*self.needs, *self.key)

    @cached_property
    def schema(self) -> StreamSchema:
        """The stream of all files mapped to it: whole every time, what is absent is gone."""
        fields = [
            Field(
                name,
                KINDS[target.kind] if name == target.name else FieldType.DATE,
                source_type=target.kind,
                label=name.replace("_", " "),
                is_personal=target.name in PERSONAL,
            )
            for target in self.targets.values()
            for name in target.fields
        ]
        if "id" not in self.targets:
            fields.insert(0, Field("id", source_type="text"))
        fields.append(Field("source_file", source_type="file and sheet", is_origin=True))
        fields.append(Field(PROBLEM, FieldType.BOOLEAN, source_type="whole row: missing cells or words not allowed"))
        return StreamSchema(
            stream=self.name,
            system=SYSTEM,
            table=self.name,
            fields=tuple(fields),
            primary_key=("id",),
            is_snapshot=True,
            later_wins=False,
        )


def day_field(name: str) -> str:
    """The column that holds a moment known only by its day: `created_at` → `created_date`."""
    return f"{name.removesuffix('_at')}_date"


@cache
def entities() -> Mapping[str, Entity]:
    """Every entity by name."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    given = yaml.load(Path(__file__).with_name("entities.yml").read_text(encoding="utf-8"), loader)
    return {name: _entity(name, entry) for name, entry in given.items()}


def _entity(name: str, entry: Mapping[str, Any]) -> Entity:
    targets = {key: _target(key, column) for key, column in entry["columns"].items()}
    return Entity(
        name, entry["about"], tuple(entry.get("key", ())), tuple(entry.get("needs", ())), targets,
        frozenset(entry.get("spare", ())),
    )  # fmt: skip


def _target(name: str, column: Mapping[str, Any]) -> Target:
    listed = column.get("of")
    words = {w: choice for choice, some in listed.items() for w in (choice, *some)} if listed else None
    return Target(name, column["kind"], tuple(map(str, column["names"])), words, bool(column.get("is_end")))
