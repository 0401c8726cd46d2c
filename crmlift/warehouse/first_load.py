"""The first load of a stream: landed parts straight into a table that holds nothing of the source yet.

With nothing to merge with, the reader's own types and one insert do; a row that does not fit them, a record that comes
twice or one without a key sends the load the long way round (`merge`), which can tell such rows apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from connectors.contract import Field, PageFormat, PageKind
from connectors.landing_manifest import Manifest, Part
from crmlift.warehouse.incoming import Incoming
from crmlift.warehouse.merge import MergeCounts
from crmlift.warehouse.raw_table import RawTable, table_columns
from crmlift.warehouse.set_aside import has_notes
from crmlift.warehouse.store import quoted
from crmlift.warehouse.typing import WIDE_MONEY, csv_reader, reader, strict_cast

LINE_BYTES = 2 * 1024 * 1024
"""Longer lines are read the long way round: the reader's buffers are a multiple of the longest line."""
_READ_AS = {"TIMESTAMP WITH TIME ZONE": "VARCHAR", "BIGINT": "DOUBLE", WIDE_MONEY: "VARCHAR"}
"""Cast after reading: the CSV reader takes an instant it cannot parse for NULL and rounds fractions, silently."""


class NotPlain(Exception):
    """The rows need a merge: a key comes twice or is missing."""


NEEDS_MERGE = (
    NotPlain, duckdb.ConversionException, duckdb.InvalidInputException, duckdb.OutOfMemoryException,
)  # fmt: skip
"""What `insert_all` raises for rows it cannot take; the transaction is to be rolled back."""


def is_first(connection: duckdb.DuckDBPyConnection, table: RawTable, manifest: Manifest) -> bool:
    """Whether a run can be inserted: parts of one format at most, and nothing is known of its source yet."""
    if len({part.format for part in _upserts(manifest)}) > 1:
        return False
    if has_notes(connection, manifest.source_id, manifest.stream):
        return False
    place = "from duckdb_tables() where schema_name = ? and table_name = ?"
    if not connection.execute(f"select 1 {place}", [table.schema, table.name]).fetchone():
        return True
    found = connection.execute(f"select 1 from {table.qualified} where _source_id = ? limit 1", [manifest.source_id])
    return found.fetchone() is None


def insert_all(connection: duckdb.DuckDBPyConnection, table: RawTable, incoming: Incoming) -> MergeCounts:
    """Insert the upsert parts of a run; raises one of NEEDS_MERGE when they are not plain rows, each with its key."""
    stream, manifest = table.stream, incoming.manifest
    kinds = table_columns(connection, table)
    parts = _upserts(manifest)
    if not parts:
        return MergeCounts(0, 0, 0, 0, 0)
    source = _source([incoming.folder / part.file for part in parts], parts[0].format, stream.fields, kinds)
    is_cast = {f.name: parts[0].format is not PageFormat.CSV or kinds[f.name] in _READ_AS for f in stream.fields}
    typed = ", ".join(
        f"{strict_cast(quoted(name), kinds[name]) if to_cast else quoted(name)} as {quoted(name)}"
        for name, to_cast in is_cast.items()
    )
    deleted = (
        f"coalesce(try_cast({quoted(stream.deleted_field)} as boolean), false)" if stream.deleted_field else "false"
    )
    inserted = _insert(connection, table, incoming, f"{typed}, {deleted} as _deleted from {source}")
    keys = ", ".join(quoted(key) for key in stream.primary_key)
    missing = " or ".join(f"{quoted(key)} is null" for key in stream.primary_key)
    found = connection.execute(
        f"select count(distinct ({keys})), count(*) filter ({missing}) from {table.qualified} where _source_id = ?",
        [manifest.source_id],
    ).fetchone()
    if found != (inserted, 0) or inserted != sum(part.rows for part in parts):
        raise NotPlain
    return MergeCounts(inserted, inserted, 0, 0, 0)


def _upserts(manifest: Manifest) -> list[Part]:
    return [part for part in manifest.parts if part.kind is PageKind.UPSERT and part.rows]


def _source(files: Sequence[Path], page_format: PageFormat, fields: Sequence[Field], kinds: Mapping[str, str]) -> str:
    """The table function over the parts: CSV by the reader's own types, JSON lines as text."""
    if page_format is not PageFormat.CSV:
        return reader(files, page_format, fields, LINE_BYTES)
    read_as = {f.name: _READ_AS.get(kinds[f.name], kinds[f.name]) for f in fields}
    return csv_reader(files, read_as, LINE_BYTES)


def _insert(connection: duckdb.DuckDBPyConnection, table: RawTable, incoming: Incoming, typed: str) -> int:
    listed = ", ".join(quoted(f.name) for f in table.stream.fields)
    done = connection.execute(
        f"insert into {table.qualified} ({listed}, _source_id, _deleted, _extracted_at, _run_id, _row_hash) "
        f"select {listed}, ?, _deleted, ?::timestamptz, ?, hash({listed}, _deleted) "
        f"from (select {typed})",
        [incoming.manifest.source_id, incoming.manifest.finished_at, incoming.manifest.run_id],
    ).fetchone()
    return int(done[0]) if done else 0
