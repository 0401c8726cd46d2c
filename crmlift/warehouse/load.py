"""From the landing zone to raw tables: typed, merged on keys, exactly once.

The rows of a run of a stream (with its child streams), its ledger entry and its cursor commit in one transaction, so a
kill at any moment leaves each manifest either wholly loaded or not at all.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from connectors.contract import PageKind
from connectors.landing_manifest import Manifest, read_manifest
from crmlift.warehouse import first_load, histories, merge
from crmlift.warehouse.store import bounded_memory, transaction

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadResult:
    """What one manifest did to its table; rows_read also counts rejected rows and older versions."""

    stream: str
    source_id: str
    rows_read: int
    rows_inserted: int
    rows_updated: int
    rows_unchanged: int
    rows_deleted: int
    rows_rejected: int


@dataclass(frozen=True)
class _Landed:
    path: Path
    manifest: Manifest

    @property
    def name(self) -> str:
        """The manifest's place below the landing root: the key of the ledger."""
        return "/".join(self.path.parts[-4:-1])


def load_landed(
    connection: duckdb.DuckDBPyConnection,
    manifests: Sequence[Path],
    *,
    run_id: str,
) -> list[LoadResult]:
    """Load every manifest the ledger does not know, in the order given.

    Children wait for their parent's manifest of the same run: it tells whose children were read. Raises LandingFailure
    for a damaged part; what was loaded before stays loaded.
    """
    known = {name for (name,) in connection.execute("select manifest from ops.load").fetchall()}
    landed = [_Landed(path, read_manifest(path)) for path in manifests]
    fresh = [entry for entry in landed if entry.name not in known]
    results: list[LoadResult] = []
    for parent, children in _families(fresh):
        results += _inserted(connection, parent, children, run_id) or _load_family(
            connection, parent, children, run_id, is_plain=False
        )
    return results


def _inserted(
    connection: duckdb.DuckDBPyConnection, parent: _Landed, children: Sequence[_Landed], run_id: str
) -> list[LoadResult]:
    """The results of a first load without a merge; none when it has to be merged."""
    family = (parent, *children)
    if any(histories.is_old(e.manifest.schema) for e in family):
        return []
    if not all(first_load.is_first(connection, merge.RawTable.of(e.manifest.schema), e.manifest) for e in family):
        return []
    columns = max(len(entry.manifest.schema.fields) for entry in family)
    try:
        with bounded_memory(connection, columns):
            return _load_family(connection, parent, children, run_id, is_plain=True)
    except first_load.NEEDS_MERGE as reason:
        log.info("event=load_by_merge stream=%s reason=%s", parent.manifest.stream, type(reason).__name__)
        return []


def _load_family(
    connection: duckdb.DuckDBPyConnection,
    parent: _Landed,
    children: Sequence[_Landed],
    run_id: str,
    *,
    is_plain: bool,
) -> list[LoadResult]:
    """One transaction: all of a stream's run or nothing. is_plain: its rows need no merge."""
    with transaction(connection):
        results = [_load_one(connection, parent, None, run_id, is_plain)]
        results += [_load_one(connection, child, parent, run_id, is_plain) for child in children]
        connection.execute(
            "insert or replace into ops.cursor values (?, ?, ?, now(), ?)",
            [
                parent.manifest.source_id, parent.manifest.stream, parent.manifest.window.until,
                None if parent.manifest.bookmark is None else json.dumps(parent.manifest.bookmark),
            ],
        )  # fmt: skip
    return results


def _families(fresh: Sequence[_Landed]) -> list[tuple[_Landed, list[_Landed]]]:
    """Each run of a stream with its child streams (`deals`: `deals_history`, `deals_associations`)."""
    parents = [entry for entry in fresh if entry.manifest.schema.replace_by is None]
    families: list[tuple[_Landed, list[_Landed]]] = []
    for parent in parents:
        mine = parent.manifest
        children = [
            entry
            for entry in fresh
            if entry.manifest.schema.replace_by is not None
            and (entry.manifest.source_id, entry.path.parent.name) == (mine.source_id, parent.path.parent.name)
            and entry.manifest.stream.rsplit("_", 1)[0] == mine.stream
        ]
        families.append((parent, children))
    return families


def _load_one(
    connection: duckdb.DuckDBPyConnection, entry: _Landed, parent: _Landed | None, run_id: str, is_plain: bool
) -> LoadResult:
    manifest, folder = histories.with_lasting_key(entry.manifest), entry.path.parent
    manifest.verify(folder)
    table = merge.RawTable.of(manifest.schema)
    merge.ensure_table(connection, table)
    histories.number_table(connection, table.schema, table.name, manifest.schema)
    incoming = merge.Incoming(manifest, folder, entry.name, run_id)
    if is_plain:
        rejected, counts = 0, first_load.insert_all(connection, table, incoming)
    else:
        rejected = merge.stage_incoming(connection, table, incoming)
        if histories.is_old(entry.manifest.schema):
            histories.number_rows(connection, "incoming")
        if parent is not None:
            merge.stage_parent_keys(connection, parent.manifest, parent.path.parent, incoming)
        counts = merge.apply_upserts(connection, table, incoming, is_child=parent is not None)
    deleted = sum(merge.apply_keys(connection, table, incoming, kind) for kind in (PageKind.DELETE, PageKind.KEYS))
    result = LoadResult(
        manifest.stream, manifest.source_id, counts.read + rejected, counts.inserted, counts.updated, counts.unchanged,
        deleted + counts.deleted, rejected,
    )  # fmt: skip
    _write_ledger(connection, entry, table, result, run_id)
    log.info("event=load stream=%s rows=%d rejected=%d", manifest.stream, result.rows_read, rejected)
    return result


def _write_ledger(
    connection: duckdb.DuckDBPyConnection,
    entry: _Landed,
    table: merge.RawTable,
    result: LoadResult,
    run_id: str,
) -> None:
    manifest = entry.manifest
    in_table = merge.live_rows(connection, table, manifest.source_id)
    count = manifest.source_count
    is_reconciled = None if count is None else in_table == count or (table.stream.keeps_history and in_table > count)
    connection.execute(
        "insert into ops.load values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, now())",
        [
            entry.name, manifest.source_id, manifest.stream, f"{table.schema}.{table.name}", manifest.run_id,
            manifest.window.since, manifest.window.until, result.rows_read, result.rows_inserted,
            result.rows_updated, result.rows_unchanged, result.rows_deleted, result.rows_rejected, in_table,
            manifest.source_count, is_reconciled, merge.schema_hash(manifest.schema),
        ],
    )  # fmt: skip
    connection.execute(
        "insert or replace into ops.run values (?, 'extract', ?, ?, ?, ?, 'success', null, ?, null, ?, ?, null)",
        [
            run_id, manifest.source_id, manifest.stream, manifest.started_at, manifest.finished_at, manifest.rows,
            manifest.window.until, manifest.api_calls,
        ],
    )  # fmt: skip
    connection.execute(
        "insert or replace into ops.run values (?, 'load', ?, ?, ?, now(), 'success', ?, ?, ?, ?, null, null)",
        [
            run_id, manifest.source_id, manifest.stream, manifest.finished_at, result.rows_read,
            result.rows_inserted + result.rows_updated, result.rows_rejected, manifest.window.until,
        ],
    )  # fmt: skip
