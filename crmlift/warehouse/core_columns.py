"""Which raw columns core reads, and which of them it cannot do without: what the staging models' yml say.

`native:` names columns with their types, `?` for those a source may lack; `dispensable:` those without whose value a
record counts all the same; `native_like:` patterns of further columns; `validity:` columns that say since or until
when something holds, in which any date has its meaning. Read from those files alone, and only once something does not
fit: parsing the models themselves costs a second.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from crmlift.places import MODELS
from crmlift.sql_models import read_yaml

WANTED_WHOLE = ("raw_files",)
"""Schemas of which core needs every column: people mapped each of them themselves."""


@dataclass
class CoreColumns:
    """Of one raw table, names in lower case. kinds: column → its type. alike: patterns of further ones → their type."""

    kinds: dict[str, str] = field(default_factory=dict)
    needed: set[str] = field(default_factory=set)
    alike: dict[str, str] = field(default_factory=dict)
    models: set[str] = field(default_factory=set)
    validity: set[str] = field(default_factory=set)

    def kind_of(self, column: str) -> str | None:
        """The type a column is read as; None where no staging model looks at it."""
        name = column.lower()
        alike = (kind for pattern, kind in self.alike.items() if re.search(pattern, name))
        return self.kinds.get(name) or next(alike, None)


def core_columns(schema: str, table: str) -> CoreColumns:
    """What core reads of a raw table; nothing of a table no staging model names."""
    return _by_table().get(f"{schema}.{table}".lower(), CoreColumns())


def is_needed(schema: str, table: str, column: str) -> bool:
    """Whether a record without the column's value would be counted wrongly."""
    return schema in WANTED_WHOLE or column.lower() in core_columns(schema, table).needed


def columns_by_table(declared: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, CoreColumns]:
    """Raw table in lower case → what is read of it, from staging models' names and what their yml say."""
    found: dict[str, CoreColumns] = {}
    for model, told in declared:
        reads = told.get("reads") or ()
        for name in [reads] if isinstance(reads, str) else reads:
            _add(found.setdefault(name.rstrip("?").lower(), CoreColumns()), model, told)
    return found


@cache
def _by_table() -> Mapping[str, CoreColumns]:
    return columns_by_table((f"staging.{path.stem}", read_yaml(path)) for path in sorted(MODELS.glob("1_*/*.yml")))


def _add(columns: CoreColumns, model: str, told: Mapping[str, Any]) -> None:
    columns.models.add(model)
    dispensable = told.get("dispensable") or ()
    for name, kind in (told.get("native") or {}).items():
        columns.kinds[name.lower()] = kind.rstrip("?").strip()
        if not kind.endswith("?") and name not in dispensable:
            columns.needed.add(name.lower())
    columns.alike |= told.get("native_like") or {}
    columns.validity |= {name.lower() for name in told.get("validity") or ()}
