"""Files of a foreign layout as Salesforce objects: a declarative mapping (`mapping.yml`, or one of `layouts/`).

objects: object → `fields` (notation of `rows.declare`) and `from`, a list of parts. A part has `key`, a template over
the file's columns that names each record (the first row of a key wins; ids follow the order of first appearance);
`file` or `rows` (inline); optionally `where` (column → values kept) and `present` (columns that must be filled); and
`columns`:
field → column name, or a mapping with
    column    one column or several, the first filled one counts
    map       replaces values that are listed, after trimming
    default   instead of a blank
    constant  the same for all rows
    time      time of day (UTC) for dates where an instant is due
    times     factor for numbers in other units
    lookup    object whose record with this key (template `key`, or the value itself) is meant
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from crmlift.errors import UsageFailure
from crmlift.simulator.company import SimField, SimTable, Value
from crmlift.simulator.given_values import Raw, parse, read_rows
from crmlift.simulator.ids import KEY_PREFIX, salesforce_ids
from crmlift.simulator.rows import declare

SHIPPED = Path(__file__).parent / "layouts"


@dataclass(frozen=True)
class Layout:
    """A mapping read from a file."""

    path: Path
    name: str
    needs: tuple[str, ...]
    as_of: datetime | None
    objects: Mapping[str, Any]


def read_layout(path: Path) -> Layout:
    """A mapping file; UsageFailure when it is not one."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        as_of = data.get("as_of")
        if isinstance(as_of, str):
            as_of = datetime.fromisoformat(as_of)
        if as_of is not None and as_of.tzinfo is None:
            as_of = as_of.replace(tzinfo=UTC)
        objects = data["objects"]
        return Layout(path, data.get("name", path.stem), tuple(data.get("needs", ())), as_of, dict(objects))
    except (OSError, yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as problem:
        raise UsageFailure(
            "A mapping of given files could not be read.",
            where=path.name,
            why=f"{type(problem).__name__}: {problem}.",
            next_step="compare it with the mappings that ship in crmlift/simulator/layouts",
        ) from problem


def shipped_layout(directory: Path) -> Layout | None:
    """The shipped layout all of whose files lie in the directory, if there is one."""
    for path in sorted(SHIPPED.glob("*.yml")):
        layout = read_layout(path)
        if layout.needs and all((directory / name).is_file() for name in layout.needs):
            return layout
    return None


def mapped_tables(layout: Layout, directory: Path) -> dict[str, SimTable]:
    """The tables a layout makes of the files of a directory."""
    files: dict[str, list[Raw]] = {}
    picked = {name: _keyed_rows(layout, directory, name, files) for name in layout.objects}
    ids = {
        name: dict(zip(rows, salesforce_ids(KEY_PREFIX.get(name, "a00"), range(len(rows))), strict=True))
        for name, rows in picked.items()
    }
    tables = {}
    for name, rows in picked.items():
        fields = declare(layout.objects[name]["fields"])
        made = [_record(layout, name, fields, ids, key, *row) for key, row in rows.items()]
        tables[name] = SimTable(name, fields, made, key_prefix=KEY_PREFIX.get(name, "a00"))
    return tables


Keyed = dict[str, tuple[Raw, Mapping[str, Any]]]


def _keyed_rows(layout: Layout, directory: Path, name: str, files: dict[str, list[Raw]]) -> Keyed:
    out: Keyed = {}
    for part in layout.objects[name]["from"]:
        rows = part.get("rows")
        if rows is None:
            file = part["file"]
            if file not in files:
                files[file] = read_rows(directory / file)
            rows = files[file]
        kept = {column: set(map(str, values)) for column, values in part.get("where", {}).items()}
        for row in rows:
            try:
                if any(row[c] not in values for c, values in kept.items()):
                    continue
                if all(row[c].strip() for c in part.get("present", ())):
                    key = part["key"].format_map(row)
                    if key:
                        out.setdefault(key, (row, part["columns"]))
            except KeyError as missing:
                raise _broken(layout, name, f"there is no column {missing}") from missing
    return out


def _record(
    layout: Layout,
    name: str,
    fields: tuple[SimField, ...],
    ids: Mapping[str, Mapping[str, str]],
    key: str,
    row: Raw,
    columns: Mapping[str, Any],
) -> dict[str, Value]:
    record: dict[str, Value] = {"Id": ids[name][key]}
    for field in fields[1:]:
        spec = columns.get(field.name)
        try:
            record[field.name] = _value(spec, field, row, ids)
        except (KeyError, ValueError, IndexError, TypeError) as problem:
            raise _broken(
                layout, f"{name}.{field.name}, record {key}", f"{type(problem).__name__}: {problem}"
            ) from problem
    return record


def _value(spec: Any, field: SimField, row: Raw, ids: Mapping[str, Mapping[str, str]]) -> Value:
    if spec is None:
        return None
    if isinstance(spec, str):
        spec = {"column": spec}
    if "constant" in spec:
        constant: Value = spec["constant"]
        return parse(constant, field.type) if isinstance(constant, str) else constant
    if "key" in spec:
        text = spec["key"].format_map(row)
    else:
        names = [spec["column"]] if isinstance(spec["column"], str) else spec["column"]
        text = next((str(row[n]).strip() for n in names if str(row[n]).strip()), "")
    text = str(spec.get("map", {}).get(text, text)) or str(spec.get("default", ""))
    if "lookup" in spec:
        return ids[spec["lookup"]][text] if text else None
    value = parse(text, field.type, spec.get("time", "00:00:00"))
    if "times" in spec and isinstance(value, int | float):
        return round(value * float(spec["times"]), 4)
    return value


def _broken(layout: Layout, where: str, why: str) -> UsageFailure:
    return UsageFailure(
        "A mapping does not fit the given files.",
        where=f"{layout.path.name}: {where}",
        why=f"{why}.",
        next_step="correct the mapping or the file",
    )
