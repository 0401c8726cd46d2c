"""Data quality: findings are recorded once, seen again or resolved; the rules are SQL files in `transforms/quality/`.

A rule's SELECT gives `object, field, source_id, failing_rows, total_rows, sample_ids`, one row for each place it looked
at; its yml names severity, the share that blocks, the affected KPIs and the message in both languages.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import duckdb
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlglot import exp

from crmlift.errors import ConfigurationFailure
from crmlift.sql_models import BESIDE, explain, parameters_in, parse_select, read_yaml
from crmlift.warehouse.core_columns import core_columns

if TYPE_CHECKING:
    from crmlift.registry import Kpi

Severity = Literal["info", "warning", "blocking"]
RULES = Path(__file__).parent.parent / "transforms" / "quality"
_TABLE = re.compile(r"\b((?:raw_\w+|staging|core|metrics|config)\.\w+)")


@dataclass(frozen=True)
class QualityFinding:
    """One place where one rule is broken."""

    rule_id: str
    severity: Severity
    object: str
    field: str | None
    source_id: str | None
    message: str
    failing_rows: int | None = None
    total_rows: int | None = None
    sample_ids: tuple[str, ...] = ()
    affected_kpis: tuple[str, ...] = ()

    @property
    def finding_id(self) -> str:
        """The same place has the same id every night."""
        place = "\x1f".join([self.rule_id, self.object, self.field or "", self.source_id or ""])
        return hashlib.sha256(place.encode()).hexdigest()[:16]


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    message: dict[Literal["en", "uk"], str]
    severity: Severity = "warning"
    block_above: float | None = None
    warn_above: float = 0.0
    affected_kpis: tuple[str, ...] = ()


@dataclass(frozen=True)
class QualityRule:
    """A rule and its query; `declared` holds severity and the shares of failing rows that make a (blocking) finding."""

    rule_id: str
    path: Path
    sql: str
    parameters: frozenset[str]
    declared: _Rule


@dataclass(frozen=True)
class QualitySummary:
    """What a night's rules found."""

    rules: int
    findings: int
    blocking: int
    resolved: int


def load_rules(root: Path = RULES) -> list[QualityRule]:
    """All rules below `root`, by name. Raises ConfigurationFailure for a file that cannot be used."""
    rules = []
    for path in sorted(root.glob("*.sql")):
        sql, tree = parse_select(path)
        try:
            declared = _Rule.model_validate(read_yaml(path.with_suffix(".yml")))
        except ValidationError as problem:
            raise ConfigurationFailure(
                "A data-quality rule is described wrongly.",
                where=str(path.with_suffix(".yml")),
                why=explain(problem),
            ) from None
        rules.append(QualityRule(path.stem, path, sql, parameters_in(tree), declared))
    return rules


def check_quality(
    connection: duckdb.DuckDBPyConnection, *, as_of: datetime, run_id: str, kpis: Sequence[Kpi] = ()
) -> dict[str, int]:
    """Run every rule on the data as of `as_of`; how many rules ran, found something, blocked, and were resolved.

    kpis: what findings may affect, besides what their rule names (`kpis_affected`).
    """
    found = connection.execute("select value from config.setting where name = 'timezone'").fetchone()
    parameters = {"as_of": as_of, "timezone": found[0] if found else "UTC"}
    return asdict(run_quality(connection, load_rules(), parameters, run_id, kpis))


def run_quality(
    connection: duckdb.DuckDBPyConnection,
    rules: Sequence[QualityRule],
    parameters: Mapping[str, Any],
    run_id: str,
    kpis: Sequence[Kpi] = (),
) -> QualitySummary:
    """Run the rules and record what they find; findings a rule no longer makes become `resolved`."""
    findings: list[QualityFinding] = []
    for rule in rules:
        findings += _findings(connection, rule, parameters)
    if findings and kpis:
        feeds = feeds_by_text()
        findings = [_with_affected(finding, kpis, feeds) for finding in findings]
    resolved = record_findings(
        connection, findings, [r.rule_id for r in rules], run_id=run_id, seen_at=parameters["as_of"]
    )
    blocking = sum(f.severity == "blocking" for f in findings)
    return QualitySummary(len(rules), len(findings), blocking, resolved)


def feeds_by_text(root: Path = RULES.parent) -> dict[str, set[str]]:
    """Table → every table it is made from, itself included, down to the raw ones; names in lower case.

    Read from the text of the models: parsing all of them costs a second that a night with a finding would wait for.
    """
    direct: dict[str, set[str]] = {}
    for path in root.glob("[0-9]_*/*.sql"):
        sql = re.sub(r"--[^\n]*", "", path.read_text(encoding="utf-8").lower())
        direct[f"{path.parent.name.partition('_')[2]}.{path.stem}"] = set(_TABLE.findall(sql))

    def below(name: str, seen: set[str]) -> set[str]:
        for source in direct.get(name, ()):
            if source not in seen and source not in BESIDE:
                seen.add(source)
                below(source, seen)
        return seen

    return {name: below(name, {name}) for name in direct}


def kpis_affected(
    object_name: str, field: str | None, kpis: Iterable[Kpi], feeds: Mapping[str, set[str]]
) -> tuple[str, ...]:
    """KPIs that are computed from an object: a core table, or a stream of a source.

    A finding about a column of a core table affects the KPIs whose own query names that column; one about a field of a
    stream those further down if core reads the field; one about whole records every KPI further down.
    """
    name = object_name.lower()
    is_table = f"core.{name}" in feeds
    found = []
    for kpi in kpis:
        reads = {table.lower() for table in kpi.all_reads()}
        if is_table and field is not None:
            hit = f"core.{name}" in reads and any(
                c.name.lower() == field.lower()
                for part in (kpi, *kpi.parts.values())
                if part.tree is not None
                for c in part.tree.find_all(exp.Column)
            )
        elif is_table:
            hit = any(f"core.{name}" in feeds.get(table, {table}) for table in reads)
        else:
            below = set().union(*(feeds.get(table, {table}) for table in reads))
            hit = any(_is_told_by(table, name, field) for table in below)
        if hit:
            found.append(kpi.kpi_id)
    return tuple(sorted(found))


def _is_told_by(table: str, stream: str, field: str | None) -> bool:
    """Whether core reads a stream's field, or anything of it, from this table."""
    schema, _, name = table.partition(".")
    is_raw = schema.startswith("raw_") and name == stream
    return is_raw and (field is None or core_columns(schema, name).kind_of(field) is not None)


def _with_affected(finding: QualityFinding, kpis: Sequence[Kpi], feeds: Mapping[str, set[str]]) -> QualityFinding:
    """The finding with every KPI it touches; one that touches none blocks nothing."""
    affected = {*finding.affected_kpis, *kpis_affected(finding.object, finding.field, kpis, feeds)}
    known = tuple(sorted(affected & {kpi.kpi_id for kpi in kpis}))
    severity: Severity = "warning" if finding.severity == "blocking" and not known else finding.severity
    return replace(finding, affected_kpis=known, severity=severity)


def _findings(
    connection: duckdb.DuckDBPyConnection, rule: QualityRule, parameters: Mapping[str, Any]
) -> list[QualityFinding]:
    bound = {name: parameters[name] for name in rule.parameters}
    found = []
    for obj, field, source_id, failing, total, sample in connection.execute(rule.sql, bound).fetchall():
        share = failing / total if total else 0.0
        if not failing or share <= rule.declared.warn_above:
            continue
        is_blocking = rule.declared.block_above is not None and share > rule.declared.block_above
        found.append(
            QualityFinding(
                rule.rule_id,
                "blocking" if is_blocking else rule.declared.severity,
                obj,
                field,
                source_id,
                rule.declared.message["en"],
                failing,
                total,
                tuple(sample or ()),
                rule.declared.affected_kpis,
            )
        )
    return found


def record_findings(
    connection: duckdb.DuckDBPyConnection,
    findings: Iterable[QualityFinding],
    rule_ids: Sequence[str],
    *,
    run_id: str,
    seen_at: datetime,
) -> int:
    """Write the findings of these rules as open; their open ones that were not found again become resolved.

    Findings that connectors made while discovering schemas (`source:…`) are theirs to resolve. Returns how many were.
    """
    rows = {f.finding_id: f for f in findings}
    resolved = connection.execute(
        "update ops.data_quality_finding set state = 'resolved', last_seen_at = $seen_at, run_id = $run_id "
        "where state = 'open' and list_contains($rules, rule_id) and not list_contains($found, finding_id) "
        "and not starts_with(finding_id, 'source:') "
        "returning finding_id",
        {"seen_at": seen_at, "run_id": run_id, "rules": list(rule_ids), "found": list(rows)},
    ).fetchall()
    if rows:
        connection.executemany(
            "insert into ops.data_quality_finding values "
            "($id, $rule, $severity, $object, $field, $source, $failing, $total, $share, $sample, $kpis, $message, "
            "$at, $at, 'open', $run) on conflict (finding_id) do update set severity = excluded.severity, "
            "failing_rows = excluded.failing_rows, total_rows = excluded.total_rows, fail_pct = excluded.fail_pct, "
            "sample_ids = excluded.sample_ids, affected_kpis = excluded.affected_kpis, message = excluded.message, "
            "first_seen_at = case when state = 'open' then first_seen_at else excluded.first_seen_at end, "
            "last_seen_at = excluded.last_seen_at, state = 'open', run_id = excluded.run_id",
            [_row(finding_id, f, run_id, seen_at) for finding_id, f in rows.items()],
        )
    return len(resolved)


def _row(finding_id: str, finding: QualityFinding, run_id: str, seen_at: datetime) -> dict[str, Any]:
    failing, total = finding.failing_rows, finding.total_rows
    return {
        "id": finding_id, "rule": finding.rule_id, "severity": finding.severity, "object": finding.object,
        "field": finding.field, "source": finding.source_id, "failing": failing, "total": total,
        "share": 100.0 * failing / total if failing is not None and total else None,
        "sample": list(finding.sample_ids), "kpis": list(finding.affected_kpis), "message": finding.message,
        "at": seen_at, "run": run_id,
    }  # fmt: skip
