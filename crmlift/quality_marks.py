"""What open findings do to verdicts: a blocking one makes a KPI not comparable tonight, a warning stands beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import duckdb

from metrics.question import Verdict

REASON = "data_quality"


@dataclass(frozen=True)
class Marks:
    """Messages of the open findings about one KPI, worst first."""

    blocking: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class OpenFindings:
    """KPI → its marks; those nothing is wrong with are absent."""

    by_kpi: Mapping[str, Marks] = field(default_factory=dict)

    @classmethod
    def read(cls, connection: duckdb.DuckDBPyConnection) -> OpenFindings:
        """The findings of ops.data_quality_finding that are open; `info` says nothing about a KPI's figures."""
        rows = connection.execute(
            "select kpi_id, list(distinct told order by told) filter (where severity = 'blocking'), "
            "list(distinct told order by told) filter (where severity = 'warning') from ("
            "select unnest(affected_kpis) as kpi_id, severity, "
            "'Data quality (' || rule_id || ', ' || concat_ws(' ', source_id, object) || '): ' || message as told "
            "from ops.data_quality_finding where state = 'open' and severity in ('blocking', 'warning')) group by 1"
        ).fetchall()
        return cls({kpi: Marks(tuple(blocking or ()), tuple(warnings or ())) for kpi, blocking, warnings in rows})

    def blocks(self, kpi_id: str) -> bool:
        """Whether the KPI's data cannot be trusted tonight."""
        return bool(self.by_kpi.get(kpi_id, Marks()).blocking)

    def mark(self, kpi_id: str, verdict: Verdict) -> Verdict:
        """The verdict with what is known of the data: figures stay, the word goes when a finding blocks."""
        marks = self.by_kpi.get(kpi_id)
        if marks is None:
            return verdict
        told = replace(verdict, caveats=(*verdict.caveats, *marks.blocking, *marks.warnings))
        if not marks.blocking or verdict.verdict == "not_comparable":
            return told
        return replace(told, verdict="not_comparable", reason=REASON)
