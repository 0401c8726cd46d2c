"""From a source's logical types to DuckDB: reading landed parts as text, casting, and widening a table that changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from connectors.contract import Field, FieldType, PageFormat
from crmlift.warehouse.store import literal, quoted

LONGEST_LINE = 16 * 1024 * 1024
MOST_EXACT = 2**53 - 1
"""Up to here every whole number has a double of its own."""
LONGEST_OBJECT = 64 * 1024 * 1024
DATABASE_TYPE = {
    FieldType.TEXT: "VARCHAR",
    FieldType.BOOLEAN: "BOOLEAN",
    FieldType.INTEGER: "BIGINT",
    FieldType.NUMBER: "DOUBLE",
    FieldType.DECIMAL: "DECIMAL(18,4)",
    FieldType.DATE: "DATE",
    FieldType.TIMESTAMP: "TIMESTAMP WITH TIME ZONE",
    FieldType.JSON: "JSON",
}
_WIDER = {
    frozenset({"BIGINT", "DOUBLE"}): "DOUBLE",
    frozenset({"BIGINT", "DECIMAL(18,4)"}): "DECIMAL(18,4)",
    frozenset({"DOUBLE", "DECIMAL(18,4)"}): "DOUBLE",
    frozenset({"DATE", "TIMESTAMP WITH TIME ZONE"}): "TIMESTAMP WITH TIME ZONE",
}


def widened(one: str, other: str) -> str:
    """The narrowest type that holds both; text holds everything."""
    return one if one == other else _WIDER.get(frozenset({one, other}), "VARCHAR")


def cast(text: str, database_type: str) -> str:
    """SQL that casts an expression holding text; NULL where the text does not fit the type."""
    if database_type in {"VARCHAR", "JSON"}:
        return text
    if database_type.startswith("TIMESTAMP"):
        epoch_ms = f"regexp_full_match({text}, '-?[0-9]{{10,14}}')"
        return (
            f"case when {epoch_ms} then make_timestamptz(try_cast({text} as bigint) * 1000) "
            f"else try_cast({text} as timestamptz) end"
        )
    if database_type == "DATE":
        return f"coalesce(try_cast({text} as date), try_cast(try_cast({text} as timestamptz) as date))"
    if database_type == "BIGINT":
        whole = f"try_cast({text} as double)"
        exact, rounded = f"try_cast({text} as bigint)", f"try_cast({whole} as bigint)"
        return f"case when {whole} = floor({whole}) then coalesce({exact}, {rounded}) end"
    return f"try_cast({text} as {database_type})"


def strict_cast(text: str, database_type: str) -> str:
    """SQL that casts an expression holding text, and fails the statement where `cast` would give NULL or needs to look
    twice (epoch milliseconds).
    """
    if database_type in {"VARCHAR", "JSON"}:
        return text
    if database_type == "BIGINT":  # DuckDB itself rounds '3.7' to 4
        value = f"({text})::double"
        exact = f"{value} = floor({value}) and abs({value}) <= {MOST_EXACT}"
        refused = f"when {text} is not null then error('no whole number')::bigint"
        return f"case when {exact} then {value}::bigint {refused} end"
    return f"{text}::{database_type}"


def reader(
    files: Sequence[Path], page_format: PageFormat, fields: Sequence[Field], longest_object: int = LONGEST_OBJECT
) -> str:
    """A table function over landed parts in which every field is text under its own name, NULL where empty."""
    listed = _listed(files)
    if page_format is PageFormat.CSV:
        return f"(select * from {csv_reader(files, dict.fromkeys((f.name for f in fields), 'VARCHAR'), LONGEST_LINE)})"
    roots = _roots(fields)
    columns = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in roots.items())
    select = ", ".join(f"{_leaf(f)} as {quoted(f.name)}" for f in fields)
    return (
        f"(select {select} from read_json({listed}, format = 'newline_delimited', "
        f"columns = {{{columns}}}, compression = 'zstd', maximum_object_size = {longest_object}))"
    )


def csv_reader(files: Sequence[Path], columns: Mapping[str, str], longest_line: int) -> str:
    """The table function over landed CSV parts, columns by their database types, NULL where empty."""
    typed = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in columns.items())
    return (
        f"read_csv({_listed(files)}, columns = {{{typed}}}, header = true, delim = ',', quote = '\"', escape = '\"', "
        f"nullstr = '', max_line_size = {longest_line}, buffer_size = {4 * longest_line}, compression = 'zstd', "
        "auto_detect = false)"
    )


def _listed(files: Sequence[Path]) -> str:
    return "[" + ", ".join(literal(str(f)) for f in files) + "]"


def _leaf(field: Field) -> str:
    """A cleared property arrives as an empty string: both vendors mean NULL by it."""
    path = ".".join(quoted(part) for part in (field.path or (field.name,)))
    return path if field.type is FieldType.JSON else f"nullif({path}, '')"


def _roots(fields: Sequence[Field]) -> dict[str, str]:
    """Top-level JSON keys with the types that keep every leaf as text."""
    tree: dict[str, Any] = {}
    for field in fields:
        path = field.path or (field.name,)
        here = tree
        for part in path[:-1]:
            here = here.setdefault(part, {})
        here[path[-1]] = "JSON" if field.type is FieldType.JSON else "VARCHAR"

    def kind(node: Any) -> str:
        if isinstance(node, str):
            return node
        return "STRUCT(" + ", ".join(f"{quoted(name)} {kind(inner)}" for name, inner in node.items()) + ")"

    return {name: kind(node) for name, node in tree.items()}
