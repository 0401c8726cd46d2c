"""Data quality: findings are recorded once, seen again or resolved; the rules are SQL files in `transforms/quality/`.

A rule's SELECT gives `object, field, source_id, failing_rows, total_rows, sample_ids`, one row for each place it looked
at; its yml names severity, the share that blocks, the affected KPIs and the message in both languages.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import duckdb
from pydantic import BaseModel, ConfigDict, ValidationError

from crmlift.errors import ConfigurationFailure
from crmlift.sql_models import explain, parameters_in, parse_select, read_yaml

Severity = Literal["info", "warning", "blocking"]
RULES = Path(__file__).parent.parent / "transforms" / "quality"


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


def check_quality(connection: duckdb.DuckDBPyConnection, *, as_of: datetime, run_id: str) -> dict[str, int]:
    """Run every rule on the data as of `as_of`; how many rules ran, found something, blocked, and were resolved."""
    found = connection.execute("select value from config.setting where name = 'timezone'").fetchone()
    parameters = {"as_of": as_of, "timezone": found[0] if found else "UTC"}
    return asdict(run_quality(connection, load_rules(), parameters, run_id))


def run_quality(
    connection: duckdb.DuckDBPyConnection,
    rules: Sequence[QualityRule],
    parameters: Mapping[str, Any],
    run_id: str,
) -> QualitySummary:
    """Run the rules and record what they find; findings a rule no longer makes become `resolved`."""
    findings: list[QualityFinding] = []
    for rule in rules:
        findings += _findings(connection, rule, parameters)
    resolved = record_findings(
        connection, findings, [r.rule_id for r in rules], run_id=run_id, seen_at=parameters["as_of"]
    )
    blocking = sum(f.severity == "blocking" for f in findings)
    return QualitySummary(len(rules), len(findings), blocking, resolved)


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
