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
MONEY, WIDE_MONEY = "DECIMAL(18,4)", "DECIMAL(38,4)"
"""What money is read as, and what a column becomes when an amount has more than 14 digits before the point: text is
read as the wide type a hundred times slower.
"""
DATABASE_TYPE = {
    FieldType.TEXT: "VARCHAR",
    FieldType.BOOLEAN: "BOOLEAN",
    FieldType.INTEGER: "BIGINT",
    FieldType.NUMBER: "DOUBLE",
    FieldType.DECIMAL: MONEY,
    FieldType.DATE: "DATE",
    FieldType.TIMESTAMP: "TIMESTAMP WITH TIME ZONE",
    FieldType.JSON: "JSON",
}
_WIDER = {
    frozenset({"BIGINT", "DOUBLE"}): "DOUBLE",
    frozenset({"BIGINT", MONEY}): MONEY,
    frozenset({"BIGINT", WIDE_MONEY}): WIDE_MONEY,
    frozenset({MONEY, WIDE_MONEY}): WIDE_MONEY,
    frozenset({"DOUBLE", MONEY}): "DOUBLE",
    frozenset({"DOUBLE", WIDE_MONEY}): "DOUBLE",
    frozenset({"DATE", "TIMESTAMP WITH TIME ZONE"}): "TIMESTAMP WITH TIME ZONE",
}
BLANK = r"'[\s\x{00A0}]*'"
"""A pattern of texts that say nothing: where a value is to be, tabs and the like are none either."""


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
    if database_type == WIDE_MONEY:
        return f"coalesce(try_cast({text} as {MONEY})::{WIDE_MONEY}, try_cast({text} as {WIDE_MONEY}))"
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
    if database_type == WIDE_MONEY:
        return f"coalesce(try_cast({text} as {MONEY})::{WIDE_MONEY}, ({text})::{WIDE_MONEY})"
    return f"{text}::{database_type}"


def reader(
    files: Sequence[Path], page_format: PageFormat, fields: Sequence[Field], longest_object: int = LONGEST_OBJECT
) -> str:
    """A table function over landed parts in which every field is text under its own name, NULL where empty.

    Blanks are nothing where a number, a date or a yes is to be, and text where text is.
    """
    listed = _listed(files)
    if page_format is PageFormat.CSV:
        select = ", ".join(f"{_filled(f, quoted(f.name))} as {quoted(f.name)}" for f in fields)
        texts = csv_reader(files, dict.fromkeys((f.name for f in fields), "VARCHAR"), LONGEST_LINE)
        return f"(select {select} from {texts})"
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
    return _filled(field, ".".join(quoted(part) for part in (field.path or (field.name,))))


def _filled(field: Field, text: str) -> str:
    if field.type is FieldType.JSON:
        return text
    return f"nullif({text}, '')" if field.type is FieldType.TEXT else f"nullif(trim({text}), '')"


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
