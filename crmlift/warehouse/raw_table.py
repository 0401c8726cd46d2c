"""Where the records of a stream live: a raw table, made, extended and widened as the source's schema grows.

Every raw table holds the stream's fields and `_source_id, _deleted, _extracted_at, _run_id, _row_hash`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import duckdb

from connectors.contract import StreamSchema
from crmlift.warehouse.store import quoted
from crmlift.warehouse.typing import DATABASE_TYPE, widened

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

    @property
    def version(self) -> str:
        """SQL: what orders the versions of a record; NULL where the stream does not tell."""
        return quoted(self.stream.version_field) if self.stream.version_field else "null::timestamptz"

    @property
    def record(self) -> str:
        """SQL: the key of a record as people are told it; ? for a part that is unknown."""
        return " || '|' || ".join(f"coalesce({quoted(k)}::varchar, '?')" for k in self.stream.primary_key)

    def same(self, one: str, other: str) -> str:
        """SQL: rows of these aliases are the same record."""
        return " and ".join(f"{one}.{k} = {other}.{k}" for k in self.key)


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


def live_rows(connection: duckdb.DuckDBPyConnection, table: RawTable, source_id: str) -> int:
    """Rows of a source that are not deleted, to compare with what the source says it holds."""
    found = connection.execute(
        f"select count(*) from {table.qualified} where _source_id = ? and not _deleted", [source_id]
    ).fetchone()
    return int(found[0]) if found else 0
