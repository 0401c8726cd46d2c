"""What of a run cannot be loaded as it is: rows that are refused, and single values that are left out of their row.

A value that does not fit its column is left out (NULL) and told in `ops.misfit_value`, unless core cannot do without
it: then the row goes to `ops.rejected_row`, and the version of the record that is in the table is withdrawn, since it
is known to be outdated (docs/decisions/0013). Neither table ever holds a value. What they tell of a record holds until
the record is read again, or is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import duckdb

from crmlift.warehouse.core_columns import is_needed
from crmlift.warehouse.incoming import Incoming
from crmlift.warehouse.raw_table import RawTable
from crmlift.warehouse.store import literal

MISFIT, KEY_MISSING = "value does not fit its type", "key is missing"


def has_notes(connection: duckdb.DuckDBPyConnection, source_id: str, stream: str) -> bool:
    """Whether anything is told of records of a stream that still holds."""
    found = connection.execute(
        "select 1 from ops.rejected_row where source_id = $1 and stream = $2 and settled_at is null "
        "union all select 1 from ops.misfit_value where source_id = $1 and stream = $2 limit 1",
        [source_id, stream],
    )
    return found.fetchone() is not None


def outdate_notes(connection: duckdb.DuckDBPyConnection, table: RawTable, incoming: Incoming) -> None:
    """End what earlier runs told of the records that this one has read."""
    read = "" if incoming.is_whole else f"and record_id in (select {table.record} from incoming)"
    place = [incoming.manifest.source_id, table.stream.stream]
    connection.execute(
        "update ops.rejected_row set settled_at = now() "
        f"where source_id = $1 and stream = $2 and settled_at is null {read}",
        place,
    )
    connection.execute(f"delete from ops.misfit_value where source_id = $1 and stream = $2 {read}", place)


def outdate_notes_of_gone(connection: duckdb.DuckDBPyConnection, table: RawTable, source_id: str) -> None:
    """End what is told of values of records that are no longer there."""
    connection.execute(
        f"delete from ops.misfit_value where source_id = $1 and stream = $2 and record_id not in "
        f"(select {table.record} from {table.qualified} where _source_id = $1 and not _deleted)",
        [source_id, table.stream.stream],
    )


def drop_outdated(connection: duckdb.DuckDBPyConnection, table: RawTable) -> int:
    """Take rows out of `incoming` of which the table holds a newer version: nothing is wrong with them any more."""
    if not table.stream.version_field:
        return 0
    return _count(
        connection,
        f"delete from incoming n using {table.qualified} t where {table.same('t', 'n')} "
        f"and t.{table.version} > n.{table.version}",
    )


def refuse_without_key(connection: duckdb.DuckDBPyConnection, table: RawTable, incoming: Incoming) -> int:
    """Refuse rows whose key is empty or cannot be read."""
    keys = _list(table.stream.primary_key)
    connection.execute(
        "create or replace temp table refused as "
        f"select *, unnest(_missing) as _field, {literal(KEY_MISSING)} as _reason from incoming union all "
        f"select *, unnest(list_intersect(_unread, {keys})), {literal(MISFIT)} from incoming"
    )
    return refuse(connection, table, incoming)


def refuse_needed(connection: duckdb.DuckDBPyConnection, table: RawTable, incoming: Incoming) -> int:
    """Refuse rows that lack a value core cannot do without; of a record that is deleted nothing is needed."""
    unread = connection.execute("select distinct unnest(_unread) from incoming").fetchall()
    needed = [
        name for (name,) in unread if name == table.stream.version_field or is_needed(table.schema, table.name, name)
    ]
    if not needed:
        return 0
    connection.execute(
        "create or replace temp table refused as "
        f"select *, unnest(list_intersect(_unread, {_list(needed)})) as _field, {literal(MISFIT)} as _reason "
        "from incoming where not _deleted"
    )
    return refuse(connection, table, incoming)


def refuse(connection: duckdb.DuckDBPyConnection, table: RawTable, incoming: Incoming) -> int:
    """Take the rows of temp table `refused` (of `incoming`, with _field and _reason) out of the load and tell them.

    Withdraws what the table holds of their records: marked deleted, as new as the row that was refused, so that no
    older version of another page can come back. Children need no withdrawal: they are replaced with their parent.
    """
    refused = _count(connection, "select count(distinct _seq) from refused")
    if not refused:
        return 0
    connection.execute(
        "insert into ops.rejected_row by name "
        f"select n._source_id as source_id, $stream as stream, n.record_id, n._field as field, "
        f"{_source_types(table)}[n._field] as source_type, n._reason as reason, $manifest as manifest, $run as run_id, "
        "now() as rejected_at, coalesce(not t._deleted, false) as is_withdrawn "
        f"from (select *, {table.record} as record_id from refused) n "
        f"left join {table.qualified} t on {table.same('t', 'n')}",
        {"stream": table.stream.stream, "manifest": incoming.name, "run": incoming.run_id},
    )
    if not table.stream.replace_by:
        key = ", ".join(table.key)
        newer = f", {table.version} = greatest(t.{table.version}, n._version)" if table.stream.version_field else ""
        connection.execute(
            f"update {table.qualified} t set _deleted = true{newer} "
            f"from (select {key}, max({table.version}) as _version from refused group by {key}) n "
            f"where {table.same('t', 'n')} and not t._deleted"
        )
    connection.execute("delete from incoming where _seq in (select _seq from refused)")
    return refused


def note_misfits(connection: duckdb.DuckDBPyConnection, table: RawTable, incoming: Incoming) -> int:
    """Tell the values that are left out of the rows in `incoming`; returns how many."""
    return _count(
        connection,
        "insert into ops.misfit_value by name select *, "
        f"{_source_types(table)}[field] as source_type, $stream as stream, $table as table_name, "
        "$manifest as manifest, $run as run_id, now() as found_at from ("
        f"select _source_id as source_id, {table.record} as record_id, unnest(_unread) as field "
        "from incoming where not _deleted)",
        {
            "stream": table.stream.stream, "table": f"{table.schema}.{table.name}", "manifest": incoming.name,
            "run": incoming.run_id,
        },
    )  # fmt: skip


def _source_types(table: RawTable) -> str:
    """SQL: field → its type as the source calls it."""
    pairs = (f"{literal(f.name)}: {literal(f.source_type or f.type.value)}" for f in table.stream.fields)
    return f"(map {{{', '.join(pairs)}}})"


def _list(names: Iterable[str]) -> str:
    return f"[{', '.join(map(literal, names))}]::varchar[]"


def _count(connection: duckdb.DuckDBPyConnection, sql: str, bound: Mapping[str, str] | None = None) -> int:
    found = connection.execute(sql, bound or {}).fetchone()
    return int(found[0]) if found else 0
