"""From columns to the rows of a table, and the compact notation in which fields are declared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np

from crmlift.simulator.company import SimField, SimTable, Value
from crmlift.simulator.ids import KEY_PREFIX

Column = Iterable[Any]


def declare(text: str) -> tuple[SimField, ...]:
    """Fields from lines `name type [length] [-> Object|Object] [= option|option] [calculated] ["label"]`."""
    return tuple(_field(line) for line in text.strip().splitlines())


def _field(line: str) -> SimField:
    line, _, label = line.partition('"')
    line, _, options = line.partition("=")
    is_calculated = line.rstrip().endswith("calculated") or options.rstrip().endswith("calculated")
    options = options.replace("calculated", "").strip()
    line, _, target = line.replace("calculated", "").partition("->")
    name, kind, *length = line.split()
    targets = tuple(t.strip() for t in target.split("|") if t.strip())
    return SimField(
        name=name,
        type=kind,
        label=label.rstrip('"') or name.replace("__c", "").replace("_", " "),
        length=int(length[0]) if length else _LENGTHS.get(kind, 0),
        options=tuple(options.split("|")) if options else (),
        reference_to=targets,
        relationship=_relationship(name) if targets else None,
        is_calculated=is_calculated,
    )


_LENGTHS = {"id": 18, "reference": 18, "string": 255, "picklist": 255, "textarea": 32000, "email": 80, "phone": 40,
            "url": 255, "enumeration": 255}  # fmt: skip


def _relationship(name: str) -> str:
    if name.endswith("__c"):
        return name[:-1] + "r"
    return name.removesuffix("Id")


def table(name: str, fields: Sequence[SimField], columns: Mapping[str, Column]) -> SimTable:
    """A table whose rows have exactly the declared fields, in their order; absent columns are None throughout."""
    unknown = columns.keys() - {f.name for f in fields} - _RESERVED
    if unknown:
        raise ValueError(f"{name} does not declare {sorted(unknown)}")
    sizes = {len(c) for c in columns.values() if isinstance(c, list)}
    if len(sizes) > 1:
        raise ValueError(f"{name} has columns of {sorted(sizes)} rows")
    names = [n for n in _RESERVED if n in columns] + [f.name for f in fields]
    lists = [columns.get(n, repeat(None)) for n in names]
    rows: list[dict[str, Value]] = [dict(zip(names, values, strict=True)) for values in zip(*lists, strict=False)]
    return SimTable(name, fields, rows, key_prefix=KEY_PREFIX.get(name, ""))


_RESERVED = {"id": 0, "createdAt": 0, "updatedAt": 0, "archived": 0, "archivedAt": 0}.keys()
"""Keys a HubSpot record has beside its properties."""


def pick(words: Sequence[Any], index: np.ndarray) -> list[Any]:
    """`words[i]` for each i, any integers (taken modulo the number of words)."""
    return [words[i] for i in (index % len(words)).tolist()]


def where(condition: np.ndarray, values: Sequence[Any], otherwise: Any = None) -> list[Any]:
    """The values where the condition holds, `otherwise` elsewhere."""
    return [v if c else otherwise for c, v in zip(condition.tolist(), values, strict=True)]
