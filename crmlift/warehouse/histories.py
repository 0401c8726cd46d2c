"""HubSpot's past values as versions before 0011 landed them: `seq` counted all values of a property, oldest first.

That number moves when HubSpot forgets the oldest one. Today `seq` counts the values of one instant and is part of the
key with it. Tables that were filled the old way, and old runs that are loaded again, are numbered anew.
"""

from __future__ import annotations

from dataclasses import replace

import duckdb

from connectors.contract import StreamSchema
from connectors.landing_manifest import Manifest
from crmlift.warehouse.store import literal, quoted

_OLD_KEY = ("record_id", "property", "seq")
_KEY = ("record_id", "property", "at", "seq")
_MARK = "seq counts the values of one instant"


def is_old(schema: StreamSchema) -> bool:
    """Whether a run was landed with numbers that move."""
    return schema.primary_key == _OLD_KEY and schema.replace_by == "record_id"


def with_lasting_key(manifest: Manifest) -> Manifest:
    """The manifest under which its rows are loaded today; its rows are to be numbered anew when it is an old one."""
    if not is_old(manifest.schema):
        return manifest
    return replace(manifest, schema=replace(manifest.schema, primary_key=_KEY, keeps_history=True))


def number_table(connection: duckdb.DuckDBPyConnection, schema: str, name: str, stream: StreamSchema) -> None:
    """Number a table filled by an earlier version anew, once: a comment on it says that this is done."""
    if stream.primary_key != _KEY:
        return
    found = connection.execute(
        "select comment from duckdb_tables() where schema_name = ? and table_name = ?", [schema, name]
    ).fetchone()
    if found != (_MARK,):
        number_rows(connection, f"{schema}.{quoted(name)}")
        connection.execute(f"comment on table {schema}.{quoted(name)} is {literal(_MARK)}")


def number_rows(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Count the values of each instant in the order of the old numbers; a value that stands twice counts once."""
    connection.execute(
        f"update {table} t set seq = n.seq from (select rowid as place, dense_rank() over ("
        f'partition by _source_id, record_id, property, "at" order by seq) - 1 as seq from {table}) n '
        "where t.rowid = n.place and t.seq <> n.seq"
    )
