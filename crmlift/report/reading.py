"""What the report needs beside the verdicts, read from the published tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import duckdb

from crmlift.report.svg import Line

MIN_MONTHS = 6
ADDITIVE = ("sum", "count")
DIVIDED = ("mean", "proportion", "ratio", "nps")


@dataclass(frozen=True)
class Wave:
    """A group that went live together. go_live None: the controls."""

    wave_id: str
    go_live: date | None
    members: tuple[str, ...]


@dataclass(frozen=True)
class Kpi:
    """A KPI of the registry."""

    kpi_id: str
    name_en: str | None
    name_uk: str | None
    unit: str | None
    stat_type: str | None

    def name(self, locale: str) -> str:
        """The name, or the id."""
        return (self.name_uk if locale == "uk" else None) or self.name_en or self.kpi_id


@dataclass(frozen=True)
class Series:
    """The lines of one KPI. is_per_team: sums divided by the group's number of teams."""

    lines: tuple[Line, ...]
    grain: str
    is_per_team: bool


@dataclass(frozen=True)
class AlertLine:
    """An alert that is open or was muted, and the unit of its KPI."""

    kpi_id: str
    segment_value: str
    severity: str | None
    state: str
    period_start: date | None
    observed: float | None
    expected: float | None
    reason: str | None
    top_contributor: str | None


@dataclass(frozen=True)
class SourceLine:
    """One source: how far it was read, and what came of it."""

    source_id: str
    streams: int
    read_until: datetime | None
    rows_read: int
    rows_rejected: int
    checked: int
    reconciled: int


@dataclass(frozen=True)
class FindingLine:
    """An open data-quality finding."""

    rule_id: str
    severity: str | None
    place: str
    fail_pct: float | None
    message: str
    affected_kpis: tuple[str, ...]


def company_name(connection: duckdb.DuckDBPyConnection) -> str:
    """The company's name as declared, empty when it is not."""
    row = connection.execute("select value from config.setting where name = 'company_name'").fetchone()
    return (row[0] if row else None) or ""


def run_id(connection: duckdb.DuckDBPyConnection) -> str | None:
    """The run that wrote the newest values."""
    row = connection.execute(
        "select coalesce((select max_by(run_id, as_of) from evaluation.kpi_effect), "
        "(select max_by(run_id, computed_at) from metrics.kpi_value), (select max(run_id) from metrics.kpi_value))"
    ).fetchone()
    return row[0] if row else None


def definition_versions(connection: duckdb.DuckDBPyConnection) -> int:
    """How many KPI definitions are in force."""
    row = connection.execute("select count(definition_version) from metrics.kpi").fetchone()
    return int(row[0]) if row else 0


def rollout_names(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """rollout_id → name."""
    return dict(connection.execute("select rollout_id, coalesce(name, rollout_id) from config.rollout").fetchall())


def waves(connection: duckdb.DuckDBPyConnection, rollout_id: str) -> list[Wave]:
    """The rollout's waves by go-live date, controls last."""
    rows = connection.execute(
        "select wave_id, max(go_live_date) filter (where not is_control), list(scope_value order by scope_value) "
        "from config.rollout_wave where rollout_id = ? group by wave_id order by 2 nulls last, 1",
        [rollout_id],
    ).fetchall()
    return [Wave(wave_id, go_live, tuple(members)) for wave_id, go_live, members in rows]


def kpis(connection: duckdb.DuckDBPyConnection) -> list[Kpi]:
    """The registry, by family and id."""
    rows = connection.execute(
        "select kpi_id, name_en, name_uk, unit, stat_type from metrics.kpi order by family nulls last, kpi_id"
    ).fetchall()
    return [Kpi(*row) for row in rows]


def team_names(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """team_id → name; empty when there is no table of teams."""
    if not _has(connection, "core", "team"):
        return {}
    return dict(connection.execute("select team_id, coalesce(name, team_id) from core.team").fetchall())


def series(connection: duckdb.DuckDBPyConnection, kpi_id: str, stat_type: str, groups: Sequence[Wave]) -> Series:
    """Mature values: a line a wave where they can be rolled up from teams, else one line for everybody."""
    grain = _grain(connection, kpi_id)
    lines: list[Line] = []
    if stat_type in ADDITIVE + DIVIDED:
        lines = [line for wave in groups if (line := _wave_line(connection, kpi_id, stat_type, grain, wave)).points]
    if lines:
        return Series(tuple(lines), grain, stat_type in ADDITIVE)
    points = _points(
        connection,
        "select period_start, value from metrics.kpi_value where kpi_id = ? and period_grain = ? "
        "and segment_dim = 'all' and is_mature and value is not null order by source_id = 'all' desc, source_id",
        [kpi_id, grain],
    )
    first = min((wave.go_live for wave in groups if wave.go_live), default=None)
    return Series((Line("all", points, first),) if points else (), grain, False)


def _grain(connection: duckdb.DuckDBPyConnection, kpi_id: str) -> str:
    months = connection.execute(
        "select count(distinct period_start) from metrics.kpi_value "
        "where kpi_id = ? and period_grain = 'month' and segment_dim = 'all' and is_mature",
        [kpi_id],
    ).fetchone()
    return "month" if months and months[0] >= MIN_MONTHS else "week"


def _wave_line(
    connection: duckdb.DuckDBPyConnection, kpi_id: str, stat_type: str, grain: str, wave: Wave
) -> Line:
    factor = 100.0 if stat_type == "nps" else 1.0
    divisor = f"{len(wave.members)}" if stat_type in ADDITIVE else "nullif(sum(denominator), 0)"
    points = _points(
        connection,
        f"select period_start, {factor} * sum(numerator) / {divisor} from metrics.kpi_value "
        "where kpi_id = ? and period_grain = ? and segment_dim = 'team' and is_mature and list_contains(?, segment_value) "
        "group by period_start",
        [kpi_id, grain, list(wave.members)],
    )
    return Line(wave.wave_id, points, wave.go_live)


def _points(connection: duckdb.DuckDBPyConnection, query: str, values: list[Any]) -> list[tuple[date, float]]:
    found: dict[date, float] = {}
    for day, value in connection.execute(query, values).fetchall():
        if value is not None:
            found.setdefault(day, value)
    return sorted(found.items())


def alerts(connection: duckdb.DuckDBPyConnection) -> tuple[list[AlertLine], int]:
    """Alerts to show (open first, worst first), and how many earlier ones are resolved."""
    rows = connection.execute(
        "select kpi_id, segment_value, severity, state, period_start, observed, expected, reason, top_contributor "
        "from ops.alert where state in ('open', 'muted') "
        "order by state <> 'open', severity, period_start desc, kpi_id, segment_value"
    ).fetchall()
    resolved = connection.execute(
        "select count(*) from ops.alert where state = 'resolved' and not coalesce(dq_blocked, false)"
    ).fetchone()
    return [AlertLine(*row) for row in rows], int(resolved[0]) if resolved else 0


def sources(connection: duckdb.DuckDBPyConnection) -> list[SourceLine]:
    """Each source's newest load a stream, summed."""
    rows = connection.execute(
        "with newest as (select * from ops.load qualify row_number() over "
        "(partition by source_id, stream order by loaded_at desc, manifest desc) = 1), "
        "total as (select source_id, sum(rows_read) as rows_read, sum(rows_rejected) as rows_rejected "
        "from ops.load group by source_id) "
        "select source_id, count(*), min(window_until), any_value(t.rows_read), any_value(t.rows_rejected), "
        "count(is_reconciled), count(*) filter (where is_reconciled) "
        "from newest join total as t using (source_id) group by source_id order by source_id"
    ).fetchall()
    return [SourceLine(*row) for row in rows]


def findings(connection: duckdb.DuckDBPyConnection) -> list[FindingLine]:
    """Open findings, those that touch most KPIs first."""
    rows = connection.execute(
        "select rule_id, severity, concat_ws('.', source_id, object, field), fail_pct, coalesce(message, ''), "
        "coalesce(affected_kpis, []) from ops.data_quality_finding where state = 'open' "
        "order by len(coalesce(affected_kpis, [])) desc, finding_id"
    ).fetchall()
    return [FindingLine(*row[:5], tuple(row[5])) for row in rows]


def _has(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    found = connection.execute(
        "select 1 from information_schema.tables where table_schema = ? and table_name = ?", [schema, table]
    ).fetchone()
    return found is not None
