"""The raw tables as staging expects them: what a source lacks is added empty, and said aloud once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

from crmlift.quality import QualityFinding, record_findings
from crmlift.registry import kpis_beside, kpis_by_table
from crmlift.sql_models import Model
from crmlift.warehouse.store import literal, quoted

OURS = {
    "_source_id": "VARCHAR",
    "_deleted": "BOOLEAN",
    "_extracted_at": "TIMESTAMPTZ",
    "_run_id": "VARCHAR",
    "_row_hash": "UBIGINT",
}
RULES = ("missing_object", "missing_field")
_WARNING = frozenset({"unread_object", "missing_object", "missing_field"})
"""Findings of connectors that say more than a step was left out."""
_ADDED = "Added empty: the source lacks it."


@dataclass(frozen=True)
class _Wanted:
    """A raw table a staging model reads: column → (type, is optional)."""

    schema: str
    table: str
    is_optional: bool
    columns: dict[str, tuple[str, bool]]
    model: Model


def prepare_raw(
    connection: duckdb.DuckDBPyConnection,
    models: Sequence[Model],
    run_id: str = "",
    as_of: datetime | None = None,
) -> list[QualityFinding]:
    """Make every raw table and column that staging reads exist: missing ones are added, empty, and nothing is dropped.

    For a source that has data, each missing object or field becomes a finding with the KPIs it feeds: `warning`, or
    `info` where staging marks the field or its object optional (`?`). What a connector said itself is not said twice;
    it learns which KPIs it weakens. Returns the findings it recorded.
    """
    present = _present(connection)
    sources = _sources_with_data(connection, present)
    affected = kpis_by_table(kpis_beside(models), models)
    findings: list[QualityFinding] = []
    for wanted in _wanted(models):
        system = wanted.schema.removeprefix("raw_")
        kpis = affected.get(wanted.model.name, ())
        have = present.get((wanted.schema, wanted.table.lower()))
        gaps = _gaps(wanted, have)
        if have is None or gaps:
            _add(connection, wanted, have, gaps)
        if system in sources and system != "files":  # a mapping says itself what it leaves out
            findings += [_finding(wanted, field, sources[system], kpis, is_optional) for field, is_optional in gaps]
    findings = _untold(connection, findings)
    _name_weakened(connection, _wanted(models), affected, sources)
    record_findings(connection, findings, RULES, run_id=run_id, seen_at=as_of or datetime.now(UTC))
    return findings


def _untold(connection: duckdb.DuckDBPyConnection, findings: Iterable[QualityFinding]) -> list[QualityFinding]:
    """Findings a connector has not made itself while discovering; those it has made learn what they affect."""
    told = {
        tuple(row[1:]): row[0]
        for row in connection.execute(
            "select finding_id, rule_id, object, field, source_id from ops.data_quality_finding "
            "where state = 'open' and starts_with(finding_id, 'source:')"
        ).fetchall()
    }
    untold = []
    for one in findings:
        finding_id = told.get((one.rule_id, one.object, one.field, one.source_id))
        if finding_id is None:
            untold.append(one)
        else:
            connection.execute(
                "update ops.data_quality_finding set affected_kpis = ?, severity = ? where finding_id = ?",
                [list(one.affected_kpis), one.severity, finding_id],
            )
    return untold


def _name_weakened(
    connection: duckdb.DuckDBPyConnection,
    wanted: Sequence[_Wanted],
    affected: Mapping[str, Sequence[str]],
    sources: Mapping[str, str],
) -> None:
    """What connectors said of whole streams, of steps left out and of columns that older records lack: the KPIs below.

    It warns where records or a column that staging needs are not what they are in the source; the rest is for reading.
    """
    said = connection.execute(
        "select finding_id, rule_id, object, field, source_id from ops.data_quality_finding "
        "where state = 'open' and starts_with(finding_id, 'source:') and affected_kpis is null"
    ).fetchall()
    for finding_id, rule_id, name, field, source_id in said:
        systems = {system for system, ids in sources.items() if source_id in ids.split(", ")} or set(sources)
        readers = [
            w for w in wanted if w.table.lower() == name.lower() and w.schema.removeprefix("raw_") in systems
        ]  # fmt: skip
        if rule_id == "missing_field":
            readers = [w for w in readers if field in w.columns]
        kpis = sorted({kpi for w in readers for kpi in affected.get(w.model.name, ())})
        is_needed = any(not (w.is_optional or (field in w.columns and w.columns[field][1])) for w in readers)
        severity = "warning" if rule_id in _WARNING and is_needed and kpis else "info"
        connection.execute(
            "update ops.data_quality_finding set affected_kpis = ?, severity = ? where finding_id = ?",
            [kpis, severity, finding_id],
        )


def _present(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], set[str]]:
    """Table → columns the source really has, without what an earlier run added and the source still leaves empty."""
    found: dict[tuple[str, str], set[str]] = {}
    for schema, table, column, comment in connection.execute(
        "select schema_name, table_name, column_name, comment from duckdb_columns() "
        "where schema_name like 'raw\\_%' escape '\\'"
    ).fetchall():
        if comment == _ADDED and _is_empty(connection, f"{schema}.{quoted(table)}", column):
            continue
        found.setdefault((schema, table.lower()), set()).add(column.lower())
    return {table: columns for table, columns in found.items() if columns - {name.lower() for name in OURS}}


def _is_empty(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> bool:
    found = connection.execute(f"select count({quoted(column)}) from {table}").fetchone()
    return not found or found[0] == 0


def _sources_with_data(connection: duckdb.DuckDBPyConnection, present: Iterable[tuple[str, str]]) -> dict[str, str]:
    """System → the source ids seen in its raw tables."""
    found: dict[str, set[str]] = {}
    for schema, table in present:
        ids = connection.execute(f"select distinct _source_id from {schema}.{quoted(table)}").fetchall()
        found.setdefault(schema.removeprefix("raw_"), set()).update(str(row[0]) for row in ids)
    return {system: ", ".join(sorted(ids)) for system, ids in found.items() if ids}


def _wanted(models: Iterable[Model]) -> list[_Wanted]:
    wanted = []
    for model in models:
        columns = {name: (kind.rstrip("?").strip(), kind.endswith("?")) for name, kind in model.declared.native.items()}
        for table in model.declared.reads:
            schema, _, name = table.rstrip("?").partition(".")
            wanted.append(_Wanted(schema, name, table.endswith("?"), columns, model))
    return wanted


def _gaps(wanted: _Wanted, have: set[str] | None) -> list[tuple[str | None, bool]]:
    """Missing fields with whether each is optional; (None, …) for the whole object."""
    if have is None:
        return [(None, wanted.is_optional)]
    return [
        (name, optional or wanted.is_optional)
        for name, (_, optional) in wanted.columns.items()
        if name.lower() not in have
    ]


def _add(
    connection: duckdb.DuckDBPyConnection,
    wanted: _Wanted,
    have: set[str] | None,
    gaps: Sequence[tuple[str | None, bool]],
) -> None:
    target = f"{wanted.schema}.{quoted(wanted.table)}"
    names = list(wanted.columns) if have is None else [name for name, _ in gaps if name is not None]
    kinds = {name: wanted.columns[name][0] for name in names}
    listed = ", ".join(f"{quoted(name)} {kind}" for name, kind in (kinds | OURS).items())
    statements = [
        f"create schema if not exists {wanted.schema}",
        f"create table if not exists {target} ({listed})",
    ]
    # a table added empty by an earlier version may lack what this one reads
    statements += [f"alter table {target} add column if not exists {quoted(n)} {kinds[n]}" for n in names]
    statements += [f"comment on column {target}.{quoted(name)} is {literal(_ADDED)}" for name in names]
    connection.execute("; ".join(statements))


def _finding(
    wanted: _Wanted, field: str | None, source_id: str, kpis: Sequence[str], is_optional: bool
) -> QualityFinding:
    what = f"{wanted.table}.{field}" if field else wanted.table
    return QualityFinding(
        "missing_field" if field else "missing_object",
        "info" if is_optional else "warning",
        wanted.table,
        field,
        source_id,
        f"{source_id} has no {what}, or does not show it to this user; it is read as unknown.",
        affected_kpis=tuple(kpis),
    )
