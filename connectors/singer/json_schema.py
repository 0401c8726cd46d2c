"""From a tap's JSON Schema to columns; what is nested stays JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.contract import Field, FieldType

_OF_FORMAT = {"date-time": FieldType.TIMESTAMP, "date": FieldType.DATE, "singer.decimal": FieldType.NUMBER}
_OF_TYPE = {
    "boolean": FieldType.BOOLEAN,
    "integer": FieldType.INTEGER,
    "number": FieldType.NUMBER,
    "object": FieldType.JSON,
    "array": FieldType.JSON,
}
_LARGEST = 2**63 - 1


def columns(schema: Mapping[str, Any], reserved: frozenset[str]) -> tuple[list[Field], list[str]]:
    """The columns of a stream, and the properties left out because another has the same name but for capitals.

    A property named as one of ours (`reserved`, lower case) gets an underscore at its end.
    """
    found: dict[str, Field] = {}
    left_out = []
    for name, property_schema in (schema.get("properties") or {}).items():
        column = f"{name}_" if name.lower() in reserved else name
        if column.lower() in found:
            left_out.append(name)
            continue
        types, variants = _flattened(property_schema, schema)
        path = () if column == name else (name,)
        found[column.lower()] = Field(
            column, _type_of(types, variants), source_type="|".join(sorted(types)) or "any", path=path
        )
    return list(found.values()), left_out


def _flattened(schema: Any, root: Mapping[str, Any]) -> tuple[set[str], list[Mapping[str, Any]]]:
    """Types (without null) and plain schemas behind type lists, anyOf, oneOf, allOf and local references."""
    if not isinstance(schema, dict):
        return set(), []
    if isinstance(schema.get("$ref"), str):
        target: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target.get(part, {}) if isinstance(target, dict) else {}
        return _flattened(target, root)
    declared = schema.get("type")
    types = {declared} if isinstance(declared, str) else set(declared or ())
    if not types and schema.get("properties"):
        types = {"object"}
    variants: list[Mapping[str, Any]] = [schema] if types - {"null"} else []
    for word in ("anyOf", "oneOf", "allOf"):
        for inner in schema.get(word) or ():
            inner_types, inner_variants = _flattened(inner, root)
            types |= inner_types
            variants += inner_variants
    return types - {"null"}, variants


def _type_of(types: set[str], variants: list[Mapping[str, Any]]) -> FieldType:
    if types & {"object", "array"}:
        return FieldType.JSON
    if types == {"string"}:
        formats = {_OF_FORMAT.get(str(v.get("format")), FieldType.TEXT) for v in variants}
        if formats == {FieldType.DATE, FieldType.TIMESTAMP}:
            return FieldType.TIMESTAMP
        # a date or, failing that, any text: text holds both
        return formats.pop() if len(formats) == 1 else FieldType.TEXT
    if types == {"integer", "number"}:
        return FieldType.NUMBER
    if types == {"integer"} and any(abs(v.get("maximum") or 0) > _LARGEST for v in variants):
        return FieldType.NUMBER
    return _OF_TYPE[types.pop()] if len(types) == 1 and types <= _OF_TYPE.keys() else FieldType.TEXT
