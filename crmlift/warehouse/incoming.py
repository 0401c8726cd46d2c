"""The rows of a run as a typed temp table: `incoming` holds the stream's fields and what is wrong with each row.

`_unread` lists the fields whose text does not fit their type (their cell is NULL), `_missing` those of the key that are
empty, `_seq` is the place in the order of pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from connectors.contract import Field, FieldType, PageKind
from connectors.landing_manifest import Manifest, Part
from crmlift.warehouse.raw_table import RawTable, table_columns
from crmlift.warehouse.store import literal, quoted
from crmlift.warehouse.typing import BLANK, MONEY, WIDE_MONEY, cast, reader


@dataclass(frozen=True)
class Incoming:
    """A manifest being loaded."""

    manifest: Manifest
    folder: Path
    name: str
    run_id: str

    @property
    def is_whole(self) -> bool:
        """Whether the run read all there is, so that what earlier runs told of single records is outdated."""
        return self.manifest.schema.is_snapshot or self.manifest.window.since is None


def stage_incoming(connection: duckdb.DuckDBPyConnection, table: RawTable, incoming: Incoming) -> int:
    """Fill temp table `incoming` with the rows of the upsert parts; returns how many there are.

    A column of money is widened first where an amount has more digits than it holds.
    """
    source = _source(incoming, table.stream.fields)
    _stage(connection, table, incoming, source)
    if large := _large_money(connection, table, source):
        for name in large:
            connection.execute(f"alter table {table.qualified} alter {quoted(name)} type {WIDE_MONEY}")
        _stage(connection, table, incoming, source)
    found = connection.execute("select count(*) from incoming").fetchone()
    return int(found[0]) if found else 0


def _source(incoming: Incoming, fields: Sequence[Field]) -> str:
    parts = [p for p in incoming.manifest.parts if p.kind is PageKind.UPSERT and p.rows]
    selects = [f"select * from {texts}" for texts in _readers(parts, incoming.folder, fields)]
    no_rows = "select " + ", ".join(f"null::varchar as {quoted(f.name)}" for f in fields) + " where false"
    return " union all by name ".join(selects) or no_rows


def _stage(connection: duckdb.DuckDBPyConnection, table: RawTable, incoming: Incoming, source: str) -> None:
    stream, kinds = table.stream, table_columns(connection, table)
    typed = ", ".join(f"{cast(_text(f), kinds[f.name])} as {quoted(f.name)}" for f in stream.fields)
    flag = f"t.{quoted(stream.deleted_field)}" if stream.deleted_field else "null"
    connection.execute(
        f"create or replace temp table incoming as select {typed}, "
        f"{literal(incoming.manifest.source_id)} as _source_id, "
        f"coalesce(try_cast({flag} as boolean), false) as _deleted, "
        f"{_names(_unread(f, kinds) for f in stream.fields)} as _unread, "
        f"{_names(_missing(f) for f in stream.fields if f.name in stream.primary_key)} as _missing, "
        f"row_number() over () as _seq from ({source}) t"
    )


def _names(cases: Iterable[str]) -> str:
    """SQL: the list of the names that these cases give."""
    return f"list_filter([{', '.join(filter(None, cases)) or 'null::varchar'}], lambda x: x is not null)"


def _unread(field: Field, kinds: Mapping[str, str]) -> str:
    """SQL: the field's name where its text says something that its type does not hold; blanks say nothing."""
    kind, text = kinds[field.name], _text(field)
    if kind in {"VARCHAR", "JSON"}:
        return ""
    told = f"case when not regexp_full_match({text}, {BLANK}) then {literal(field.name)} end"
    return f"case when {text} is not null and {cast(text, kind)} is null then {told} end"


def _missing(field: Field) -> str:
    return f"case when {_text(field)} is null then {literal(field.name)} end"


def _text(field: Field) -> str:
    name = f"t.{quoted(field.name)}"
    return f"{name}::varchar" if field.type is FieldType.JSON else name


def _large_money(connection: duckdb.DuckDBPyConnection, table: RawTable, source: str) -> list[str]:
    """Columns of money in which an amount was not read that the wide type holds."""
    kinds = table_columns(connection, table)
    unread = connection.execute("select distinct unnest(_unread) from incoming order by all").fetchall()
    money = [name for (name,) in unread if kinds[name] == MONEY]
    if not money:
        return []
    fits = ", ".join(
        f"bool_or(case when try_cast({name} as {MONEY}) is null then try_cast({name} as {WIDE_MONEY}) is not null end)"
        for name in map(quoted, money)
    )
    found = connection.execute(f"select {fits} from ({source})").fetchone()
    return [name for name, is_large in zip(money, found or (), strict=True) if is_large]


def stage_parent_keys(connection: duckdb.DuckDBPyConnection, parent: Manifest, folder: Path, child: Incoming) -> None:
    """Fill temp table `parent_key` with the live parents that were read, so vanished children go with the rest.

    With those whose children alone were read: the child's run names them.
    """
    stream = parent.schema
    (key,) = stream.primary_key
    wanted = [f for f in stream.fields if f.name in {key, stream.deleted_field}]
    parts = [p for p in parent.parts if p.kind is PageKind.UPSERT and p.rows]
    alive = (
        f"where not coalesce(try_cast({quoted(stream.deleted_field)} as boolean), false)"
        if stream.deleted_field
        else ""
    )
    named = [p for p in child.manifest.parts if p.kind is PageKind.PARENTS]
    by = [f for f in child.manifest.schema.fields if f.name == child.manifest.schema.replace_by]
    selects = [f"select distinct {quoted(key)} from {texts} {alive}" for texts in _readers(parts, folder, wanted)] + [
        f"select distinct {quoted(by[0].name)} from {texts}" for texts in _readers(named, child.folder, by)
    ]
    connection.execute("create or replace temp table parent_key (key varchar)")
    for select in selects:  # one after the other: a reader fills large buffers in each thread
        connection.execute(f"insert into parent_key {select}")


def _readers(parts: Sequence[Part], folder: Path, fields: Sequence[Field]) -> list[str]:
    """The table functions over these parts, one for each format."""
    return [
        reader([folder / p.file for p in parts if p.format is page_format], page_format, fields)
        for page_format in dict.fromkeys(p.format for p in parts)
    ]
