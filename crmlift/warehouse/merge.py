"""The set-based SQL of a load: stage a run's parts as typed rows, keep the newest version of each record, merge.

Every raw table holds the stream's fields and `_source_id, _deleted, _extracted_at, _run_id, _row_hash`. A record whose
content did not change keeps its row untouched, so overlapping windows and repeated runs change nothing.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import duckdb

from connectors.contract import Field, FieldType, PageKind, StreamSchema
from connectors.landing_manifest import Manifest
from crmlift.warehouse.store import literal, quoted
from crmlift.warehouse.typing import DATABASE_TYPE, cast, reader, widened

_OURS = {
    "_source_id": "VARCHAR",
    "_deleted": "BOOLEAN",
    "_extracted_at": "TIMESTAMP WITH TIME ZONE",
    "_run_id": "VARCHAR",
    "_row_hash": "UBIGINT",
}


@dataclass(frozen=True)
class RawTable:
    """Where a stream's records live."""

    schema: str
    name: str
    stream: StreamSchema

    @classmethod
    def of(cls, stream: StreamSchema) -> RawTable:
        """The table of a stream: `raw_<system>.<table>`."""
        return cls(f"raw_{stream.system}", stream.table, stream)

    @property
    def qualified(self) -> str:
        """The quoted name."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    @property
    def key(self) -> list[str]:
        """Quoted columns that identify a row of one source."""
        return ["_source_id", *(quoted(k) for k in self.stream.primary_key)]


@dataclass(frozen=True)
class Incoming:
    """A manifest being loaded."""

    manifest: Manifest
    folder: Path
    name: str
    run_id: str


@dataclass(frozen=True)
class MergeCounts:
    """What a merge did."""

    read: int
    inserted: int
    updated: int
    unchanged: int
    deleted: int


def schema_hash(schema: StreamSchema) -> str:
    """A short name for the shape of a stream, to see drift."""
    shape = sorted((f.name, f.type) for f in schema.fields)
    return hashlib.sha256(json.dumps(shape).encode()).hexdigest()[:12]


def ensure_table(connection: duckdb.DuckDBPyConnection, table: RawTable) -> None:
    """Create the table, add columns that are new, widen those whose type changed; never drop one."""
    wanted = {f.name: DATABASE_TYPE[f.type] for f in table.stream.fields} | _OURS
    connection.execute(f"create schema if not exists {quoted(table.schema)}")
    columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in wanted.items())
    connection.execute(f"create table if not exists {table.qualified} ({columns})")
    present = table_columns(connection, table)
    by_lower = {name.lower(): name for name in present}
    for name, kind in wanted.items():
        existing = by_lower.get(name.lower())
        if existing is None:
            connection.execute(f"alter table {table.qualified} add column {quoted(name)} {kind}")
        elif (wider := widened(present[existing], kind)) != present[existing]:
            connection.execute(f"alter table {table.qualified} alter {quoted(existing)} type {wider}")


def table_columns(connection: duckdb.DuckDBPyConnection, table: RawTable) -> dict[str, str]:
    """Column name → database type, in table order."""
    described = connection.execute(f"describe {table.qualified}").fetchall()
    return {row[0]: row[1] for row in described}


def stage_incoming(connection: duckdb.DuckDBPyConnection, table: RawTable, incoming: Incoming) -> int:
    """Fill temp table `incoming` with typed rows of the upsert parts; returns how many rows were rejected.

    A row is rejected when a value does not fit its type or its key is missing: it goes to ops.rejected_row with the
    reason (never the value) and stays in the landing zone.
    """
    fields = table.stream.fields
    kinds = table_columns(connection, table)
    parts = [p for p in incoming.manifest.parts if p.kind is PageKind.UPSERT and p.rows]
    selects = []
    for page_format in dict.fromkeys(p.format for p in parts):
        files = [incoming.folder / p.file for p in parts if p.format is page_format]
        selects.append(f"select * from {reader(files, page_format, fields)}")
    source = " union all by name ".join(selects) or _no_rows(fields)
    typed = ", ".join(f"{cast(_text(f), kinds[f.name])} as {quoted(f.name)}" for f in fields)
    bad = ", ".join(
        f"case when {_text(f)} is not null and {cast(_text(f), kinds[f.name])} is null then {literal(f.name)} end"
        for f in fields
        if kinds[f.name] not in {"VARCHAR", "JSON"}
    )
    missing = ", ".join(
        f"case when {_text(next(f for f in fields if f.name == k))} is null then {literal(k)} end"
        for k in table.stream.primary_key
    )
    deleted = f"coalesce(try_cast({_text_of(table.stream.deleted_field)} as boolean), false)"
    connection.execute(
        f"create or replace temp table incoming as select {typed}, "
        f"{literal(incoming.manifest.source_id)} as _source_id, "
        f"{deleted if table.stream.deleted_field else 'false'} as _deleted, "
        f"list_filter([{bad or 'null'}], lambda x: x is not null) as _bad, "
        f"list_filter([{missing}], lambda x: x is not null) as _missing, row_number() over () as _seq "
        f"from ({source}) t"
    )
    return _reject(connection, table, incoming)


def _reject(connection: duckdb.DuckDBPyConnection, table: RawTable, incoming: Incoming) -> int:
    found = connection.execute("select count(*) from incoming where len(_bad) + len(_missing) > 0").fetchone()
    rejected = int(found[0]) if found else 0
    if not rejected:
        return 0
    types = {f.name: f.source_type or f.type.value for f in table.stream.fields}
    record = " || '|' || ".join(f"coalesce({quoted(k)}::varchar, '?')" for k in table.stream.primary_key)
    kinds = ", ".join(f"{literal(n)}: {literal(t)}" for n, t in types.items())
    connection.execute(
        f"insert into ops.rejected_row "
        f"select _source_id, ?, {record}, field, (map {{{kinds}}})[field], reason, ?, ?, now() from ("
        f" select *, unnest(_bad) as field, 'value does not fit its type' as reason from incoming "
        f" union all select *, unnest(_missing), 'key is missing' from incoming)",
        [table.stream.stream, incoming.name, incoming.run_id],
    )
    connection.execute("delete from incoming where len(_bad) + len(_missing) > 0")
    return rejected


def _no_rows(fields: tuple[Field, ...]) -> str:
    return "select " + ", ".join(f"null::varchar as {quoted(f.name)}" for f in fields) + " where false"


def _text(field: Field) -> str:
    name = f"t.{quoted(field.name)}"
    return f"{name}::varchar" if field.type is FieldType.JSON else name


def _text_of(name: str | None) -> str:
    return f"t.{quoted(name or '')}"


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
    selects = [
        f"select distinct {quoted(key)} as key from "
        f"{reader([folder / p.file for p in parts if p.format is fmt], fmt, wanted)} {alive}"
        for fmt in dict.fromkeys(p.format for p in parts)
    ]
    named = [p for p in child.manifest.parts if p.kind is PageKind.PARENTS]
    by = [f for f in child.manifest.schema.fields if f.name == child.manifest.schema.replace_by]
    selects += [
        f"select distinct {quoted(by[0].name)} as key from "
        f"{reader([child.folder / p.file for p in named if p.format is fmt], fmt, by)}"
        for fmt in dict.fromkeys(p.format for p in named)
    ]
    connection.execute(
        "create or replace temp table parent_key as "
        + (" union ".join(selects) or "select null::varchar as key where false")
    )


def apply_upserts(
    connection: duckdb.DuckDBPyConnection, table: RawTable, incoming: Incoming, *, is_child: bool
) -> MergeCounts:
    """Merge temp table `incoming`; older versions never overwrite newer ones."""
    stream = table.stream
    columns = [quoted(f.name) for f in stream.fields]
    key = ", ".join(table.key)
    version = quoted(stream.version_field) if stream.version_field else "null::timestamptz"
    read = connection.execute("select count(*) from incoming").fetchone()
    connection.execute(
        f"create or replace temp table latest as select * exclude (_bad, _missing, _seq), "
        f"hash({', '.join(columns)}, _deleted) as _row_hash, {version} as _version from incoming "
        f"qualify row_number() over (partition by {key} order by {version} desc nulls last, _seq desc) = 1"
    )
    same = " and ".join(f"t.{k} = n.{k}" for k in table.key)
    older = f"or t.{version} > n._version" if stream.version_field else ""
    connection.execute(
        f"create or replace temp table changed as select n.*, t._row_hash is not null as is_update "
        f"from latest n left join {table.qualified} t on {same} "
        f"where t._row_hash is null or not ((t._row_hash = n._row_hash and t._deleted = n._deleted) {older})"
    )
    counts = connection.execute(
        "select (select count(*) from latest), count(*) filter (not is_update), count(*) filter (is_update) "
        "from changed"
    ).fetchone()
    assert counts is not None and read is not None
    connection.execute(f"delete from {table.qualified} t using changed n where {same}")
    names = ", ".join([*columns, "_source_id", "_deleted"])
    connection.execute(
        f"insert into {table.qualified} ({names}, _extracted_at, _run_id, _row_hash) "
        f"select {names}, ?::timestamptz, ?, _row_hash from changed",
        [incoming.manifest.finished_at, incoming.manifest.run_id],
    )
    deleted = _drop_absent(connection, table, incoming, is_child=is_child)
    latest, inserted, updated = counts
    return MergeCounts(int(read[0]), inserted, updated, latest - inserted - updated, deleted)


def _drop_absent(connection: duckdb.DuckDBPyConnection, table: RawTable, incoming: Incoming, *, is_child: bool) -> int:
    """Children no longer returned with their parent go; records absent from a complete snapshot are marked deleted.

    A history never loses what it knew, and children of a kind that was not read stay.
    """
    stream = table.stream
    if is_child and stream.keeps_history:
        return 0
    absent = f"not exists (select 1 from latest n where {' and '.join(f't.{k} = n.{k}' for k in table.key)})"
    source = literal(incoming.manifest.source_id)
    if is_child:
        by = quoted(stream.replace_by or "")
        covered = ", ".join(map(literal, stream.covers or ())) or "null"
        only = f"and t.{quoted(stream.covers_field)} in ({covered}) " if stream.covers_field else ""
        sql = (
            f"delete from {table.qualified} t where t._source_id = {source} and t.{by} in "
            f"(select key from parent_key union select {by} from latest) {only}and {absent}"
        )
    elif stream.is_snapshot:
        where = f"t._source_id = {source} and not t._deleted and {absent}"
        sql = f"update {table.qualified} t set _deleted = true where {where}"
    else:
        return 0
    done = connection.execute(sql).fetchone()
    return int(done[0]) if done else 0


def apply_keys(connection: duckdb.DuckDBPyConnection, table: RawTable, incoming: Incoming, kind: PageKind) -> int:
    """Mark records deleted: those named by DELETE parts, or all that KEYS parts do not name."""
    parts = [p for p in incoming.manifest.parts if p.kind is kind]
    if not parts:
        return 0
    (key,) = table.stream.primary_key
    fields = [f for f in table.stream.fields if f.name == key]
    typed = cast(quoted(key), table_columns(connection, table)[key])
    selects = [
        f"select {typed} as key from "
        f"{reader([incoming.folder / p.file for p in parts if p.format is fmt and p.rows], fmt, fields)}"
        for fmt in dict.fromkeys(p.format for p in parts if p.rows)
    ]
    named = " union all ".join(selects) or "select null as key where false"
    test = "in" if kind is PageKind.DELETE else "not in"
    version = f"t.{quoted(table.stream.version_field)}" if table.stream.version_field else "null::timestamptz"
    done = connection.execute(
        f"update {table.qualified} t set _deleted = true where t._source_id = ? and not t._deleted "
        f"and t.{quoted(key)} {test} (select key from ({named}) where key is not null) "
        f"and coalesce({version} < ?::timestamptz, true)",
        [incoming.manifest.source_id, incoming.manifest.window.until],
    ).fetchone()
    return int(done[0]) if done else 0


def live_rows(connection: duckdb.DuckDBPyConnection, table: RawTable, source_id: str) -> int:
    """Rows of a source that are not deleted, to compare with what the source says it holds."""
    found = connection.execute(
        f"select count(*) from {table.qualified} where _source_id = ? and not _deleted", [source_id]
    ).fetchone()
    return int(found[0]) if found else 0
