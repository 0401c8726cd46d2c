"""The set-based SQL of a load: what was staged is merged on keys, and what the source no longer has is marked deleted.

A record whose content did not change keeps its row untouched, so overlapping windows and repeated runs change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from connectors.contract import PageKind
from crmlift.warehouse.incoming import Incoming
from crmlift.warehouse.raw_table import RawTable, table_columns
from crmlift.warehouse.store import literal, quoted
from crmlift.warehouse.typing import cast, reader


@dataclass(frozen=True)
class MergeCounts:
    """What a merge did."""

    read: int
    inserted: int
    updated: int
    unchanged: int
    deleted: int


def apply_upserts(
    connection: duckdb.DuckDBPyConnection, table: RawTable, incoming: Incoming, *, is_child: bool
) -> MergeCounts:
    """Merge temp table `incoming`, one row a key; older versions never overwrite newer ones."""
    stream = table.stream
    columns = [quoted(f.name) for f in stream.fields]
    connection.execute(
        "create or replace temp table latest as select * exclude (_unread, _missing, _seq), "
        f"hash({', '.join(columns)}, _deleted) as _row_hash, {table.version} as _version from incoming"
    )
    same = table.same("t", "n")
    older = f"or t.{table.version} > n._version" if stream.version_field else ""
    connection.execute(
        f"create or replace temp table changed as select n.*, t._row_hash is not null as is_update "
        f"from latest n left join {table.qualified} t on {same} "
        f"where t._row_hash is null or not ((t._row_hash = n._row_hash and t._deleted = n._deleted) {older})"
    )
    counts = connection.execute(
        "select (select count(*) from latest), count(*) filter (not is_update), count(*) filter (is_update) "
        "from changed"
    ).fetchone()
    assert counts is not None
    connection.execute(f"delete from {table.qualified} t using changed n where {same}")
    names = ", ".join([*columns, "_source_id", "_deleted"])
    connection.execute(
        f"insert into {table.qualified} ({names}, _extracted_at, _run_id, _row_hash) "
        f"select {names}, ?::timestamptz, ?, _row_hash from changed",
        [incoming.manifest.finished_at, incoming.manifest.run_id],
    )
    deleted = _drop_absent(connection, table, incoming, is_child=is_child)
    latest, inserted, updated = counts
    return MergeCounts(latest, inserted, updated, latest - inserted - updated, deleted)


def _drop_absent(connection: duckdb.DuckDBPyConnection, table: RawTable, incoming: Incoming, *, is_child: bool) -> int:
    """Children no longer returned with their parent go; records absent from a complete snapshot are marked deleted.

    A history never loses what it knew, and children of a kind that was not read stay.
    """
    stream = table.stream
    if is_child and stream.keeps_history:
        return 0
    absent = f"not exists (select 1 from latest n where {table.same('t', 'n')})"
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
    """Mark records deleted: those named by DELETE parts, or all that KEYS parts do not name.

    What was told of refused rows of such records is settled.
    """
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
    connection.execute(f"create or replace temp table named as select key from ({named}) where key is not null")
    test = "in" if kind is PageKind.DELETE else "not in"
    version = f"t.{table.version}" if table.stream.version_field else "null::timestamptz"
    done = connection.execute(
        f"update {table.qualified} t set _deleted = true where t._source_id = ? and not t._deleted "
        f"and t.{quoted(key)} {test} (select key from named) and coalesce({version} < ?::timestamptz, true)",
        [incoming.manifest.source_id, incoming.manifest.window.until],
    ).fetchone()
    connection.execute(
        "update ops.rejected_row set settled_at = now() where source_id = ? and stream = ? and settled_at is null "
        f"and manifest <> ? and record_id {test} (select key::varchar from named)",
        [incoming.manifest.source_id, table.stream.stream, incoming.name],
    )
    return int(done[0]) if done else 0
