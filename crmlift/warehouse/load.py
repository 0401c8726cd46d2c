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
from crmlift.warehouse import first_load, histories, merge, set_aside
from crmlift.warehouse.incoming import Incoming, stage_incoming, stage_parent_keys
from crmlift.warehouse.raw_table import RawTable, ensure_table, live_rows, schema_hash
from crmlift.warehouse.repeats import settle_repeats
from crmlift.warehouse.store import bounded_memory, transaction

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadResult:
    """What one manifest did to its table.

    rows_read = rows_inserted + rows_updated + rows_unchanged + rows_repeated + rows_rejected. values_unread: values
    left out of rows that were loaded.
    """

    stream: str
    source_id: str
    rows_read: int
    rows_inserted: int
    rows_updated: int
    rows_unchanged: int
    rows_deleted: int
    rows_rejected: int
    rows_repeated: int = 0
    values_unread: int = 0


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
    if not all(first_load.is_first(connection, RawTable.of(e.manifest.schema), e.manifest) for e in family):
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
    table = RawTable.of(manifest.schema)
    ensure_table(connection, table)
    histories.number_table(connection, table.schema, table.name, manifest.schema)
    incoming = Incoming(manifest, folder, entry.name, run_id)
    place = [manifest.source_id, manifest.stream]
    connection.execute("delete from ops.repeated_key where source_id = ? and stream = ?", place)
    if is_plain:
        settled, counts = _Settled(), first_load.insert_all(connection, table, incoming)
    else:
        settled = _settle(connection, table, incoming, is_renumbered=histories.is_old(entry.manifest.schema))
        if parent is not None:
            stage_parent_keys(connection, parent.manifest, parent.path.parent, incoming)
        counts = merge.apply_upserts(connection, table, incoming, is_child=parent is not None)
    deleted = sum(merge.apply_keys(connection, table, incoming, kind) for kind in (PageKind.DELETE, PageKind.KEYS))
    if set_aside.has_notes(connection, manifest.source_id, manifest.stream):
        set_aside.outdate_notes_of_gone(connection, table, manifest.source_id)
    result = LoadResult(
        manifest.stream, manifest.source_id, counts.read + settled.rows, counts.inserted, counts.updated,
        counts.unchanged + settled.outdated, deleted + counts.deleted, settled.rejected, settled.repeated,
        settled.unread,
    )  # fmt: skip
    _write_ledger(connection, entry, table, result, run_id)
    log.info(
        "event=load stream=%s rows=%d rejected=%d repeated=%d values_unread=%d",
        manifest.stream, result.rows_read, settled.rejected, settled.repeated, settled.unread,
    )  # fmt: skip
    return result


@dataclass(frozen=True)
class _Settled:
    """Rows of a run that are not merged, by why, and values that are left out of those that are."""

    rejected: int = 0
    repeated: int = 0
    outdated: int = 0
    unread: int = 0

    @property
    def rows(self) -> int:
        return self.rejected + self.repeated + self.outdated


def _settle(
    connection: duckdb.DuckDBPyConnection, table: RawTable, incoming: Incoming, *, is_renumbered: bool
) -> _Settled:
    """Stage a run's rows and leave in `incoming` those that can be merged, one a key.

    is_renumbered: past values of an earlier version get numbers that last.
    """
    stage_incoming(connection, table, incoming)
    if is_renumbered:
        histories.number_rows(connection, "incoming")
    found = connection.execute("select count(*) from incoming where len(_unread) + len(_missing) > 0").fetchone()
    is_odd = bool(found and found[0])
    outdated = rejected = unread = 0
    if is_odd or set_aside.has_notes(connection, incoming.manifest.source_id, table.stream.stream):
        outdated = set_aside.drop_outdated(connection, table)
        set_aside.outdate_notes(connection, table, incoming)
    if is_odd:
        rejected = set_aside.refuse_without_key(connection, table, incoming)
    repeats = settle_repeats(connection, table, incoming)
    if is_odd:
        rejected += set_aside.refuse_needed(connection, table, incoming)
        unread = set_aside.note_misfits(connection, table, incoming)
    return _Settled(rejected + repeats.rows_refused, repeats.rows_repeated, outdated, unread)


def _write_ledger(
    connection: duckdb.DuckDBPyConnection,
    entry: _Landed,
    table: RawTable,
    result: LoadResult,
    run_id: str,
) -> None:
    manifest = entry.manifest
    in_table = live_rows(connection, table, manifest.source_id)
    count = manifest.source_count
    is_reconciled = None if count is None else in_table == count or (table.stream.keeps_history and in_table > count)
    connection.execute(
        "insert into ops.load (manifest, source_id, stream, table_name, run_id, window_since, window_until, rows_read, "
        "rows_inserted, rows_updated, rows_unchanged, rows_deleted, rows_rejected, rows_repeated, rows_in_table, "
        "rows_in_source, is_reconciled, schema_hash, loaded_at) "
        "values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, now())",
        [
            entry.name, manifest.source_id, manifest.stream, f"{table.schema}.{table.name}", manifest.run_id,
            manifest.window.since, manifest.window.until, result.rows_read, result.rows_inserted,
            result.rows_updated, result.rows_unchanged, result.rows_deleted, result.rows_rejected,
            result.rows_repeated, in_table, manifest.source_count, is_reconciled, schema_hash(manifest.schema),
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
