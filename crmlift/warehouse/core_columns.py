"""Which raw columns core reads, and which of them it cannot do without: what the staging models' yml say.

`native:` names columns with their types, `?` for those a source may lack; `dispensable:` those without whose value a
record counts all the same; `native_like:` a pattern of further columns; `validity:` columns that say since or until
when something holds, in which any date has its meaning. Read from those files alone, and only once something does not
fit: parsing the models themselves costs a second.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from crmlift.places import MODELS
from crmlift.sql_models import read_yaml

WANTED_WHOLE = ("raw_files",)
"""Schemas of which core needs every column: people mapped each of them themselves."""


@dataclass
class CoreColumns:
    """Of one raw table, names in lower case. kinds: column → its type. alike: a pattern of further ones."""

    kinds: dict[str, str] = field(default_factory=dict)
    needed: set[str] = field(default_factory=set)
    alike: list[re.Pattern[str]] = field(default_factory=list)
    models: set[str] = field(default_factory=set)
    validity: set[str] = field(default_factory=set)

    def reads(self, column: str) -> bool:
        """Whether any staging model looks at the column."""
        name = column.lower()
        return name in self.kinds or any(pattern.search(name) for pattern in self.alike)


def core_columns(schema: str, table: str) -> CoreColumns:
    """What core reads of a raw table; nothing of a table no staging model names."""
    return _by_table().get(f"{schema}.{table}".lower(), CoreColumns())


def is_needed(schema: str, table: str, column: str) -> bool:
    """Whether a record without the column's value would be counted wrongly."""
    return schema in WANTED_WHOLE or column.lower() in core_columns(schema, table).needed


@cache
def _by_table() -> Mapping[str, CoreColumns]:
    found: dict[str, CoreColumns] = {}
    for path in sorted(MODELS.glob("1_*/*.yml")):
        declared: Mapping[str, Any] = read_yaml(path)
        reads = declared.get("reads") or ()
        for name in [reads] if isinstance(reads, str) else reads:
            _add(found.setdefault(name.rstrip("?").lower(), CoreColumns()), path.stem, declared)
    return found


def _add(columns: CoreColumns, model: str, declared: Mapping[str, Any]) -> None:
    columns.models.add(f"staging.{model}")
    for name, kind in (declared.get("native") or {}).items():
        columns.kinds[name.lower()] = kind.rstrip("?").strip()
        if not kind.endswith("?") and name not in (declared.get("dispensable") or ()):
            columns.needed.add(name.lower())
    if declared.get("native_like"):
        columns.alike.append(re.compile(declared["native_like"]))
    columns.validity |= {name.lower() for name in declared.get("validity") or ()}
