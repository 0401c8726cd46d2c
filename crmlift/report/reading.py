"""What the report needs beside the verdicts, read from the published tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import duckdb

from crmlift.report.svg import Line
from crmlift.report.verdicts import ScorecardRow

MIN_MONTHS = 6
ADDITIVE = ("sum", "count")
DIVIDED = ("mean", "proportion", "ratio", "nps")
ROLLED_UP = ("sum", "count", "mean", "proportion", "ratio")


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
    no_effect: str | None = None

    def name(self, locale: str) -> str:
        """The name, or the id."""
        return (self.name_uk if locale == "uk" else None) or self.name_en or self.kpi_id


@dataclass(frozen=True)
class Series:
    """The lines of one KPI. is_index: shares of each team's own earlier level instead of the KPI's unit."""

    lines: tuple[Line, ...]
    grain: str
    is_index: bool


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


def data_until(connection: duckdb.DuckDBPyConnection, rows: Sequence[ScorecardRow]) -> date | None:
    """The local day the verdicts use data up to; without any, up to which the sources were read."""
    found = max((row.data_until for row in rows if row.data_until), default=None)
    if found is None:
        read = connection.execute("select cast(max(window_until) as date) from ops.load").fetchone()
        found = read[0] if read else None
    return found


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
        "select kpi_id, name_en, name_uk, unit, stat_type, no_effect from metrics.kpi "
        "where not coalesce(is_input, false) order by family nulls last, kpi_id"
    ).fetchall()
    return [Kpi(*row) for row in rows]


def team_names(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """team_id → name; empty when there is no table of teams."""
    if not _has(connection, "core", "team"):
        return {}
    return dict(connection.execute("select team_id, coalesce(name, team_id) from core.team").fetchall())


def series(connection: duckdb.DuckDBPyConnection, kpi_id: str, stat_type: str, groups: Sequence[Wave]) -> Series:
    """Mature values: teams that are live against teams that are not yet, else one line for everybody."""
    grain = _grain(connection, kpi_id)
    if stat_type in ROLLED_UP and any(wave.go_live for wave in groups):
        lines = _standardised(connection, kpi_id, stat_type, grain, groups)
        if len(lines) == 2:
            return Series(lines, grain, stat_type in ADDITIVE)
    found: dict[date, float] = {}
    for day, value in connection.execute(
        "select period_start, value from metrics.kpi_value where kpi_id = ? and period_grain = ? "
        "and segment_dim = 'all' and is_mature and value is not null order by source_id = 'all' desc, source_id",
        [kpi_id, grain],
    ).fetchall():
        found.setdefault(day, value)
    return Series((Line("everybody", sorted(found.items())),) if found else (), grain, False)


STANDARDISED = """
with member as (select unnest(?::varchar[]) as team, unnest(?::date[]) as go_live),
cell as (
    select m.team, m.go_live, v.period_start, v.period_end, v.numerator as num,
        case when ? then 1.0 else v.denominator end as exposure
    from metrics.kpi_value as v join member as m on m.team = v.segment_value
    where v.kpi_id = ? and v.period_grain = ? and v.segment_dim = 'team' and v.is_mature),
base as (
    select team, sum(num) / nullif(sum(exposure), 0) as level, sum(num) as num, sum(exposure) as exposure
    from cell where period_end <= (select min(go_live) from member) group by team),
overall as (select sum(num) / nullif(sum(exposure), 0) as level from base)
select c.period_start, c.period_start >= coalesce(c.go_live, date '9999-01-01') as is_live,
    sum(c.num) / nullif(sum(b.level * c.exposure), 0) * (case when ? then 1.0 else any_value(o.level) end) as value
from cell as c join base as b using (team) cross join overall as o
where b.level > 0 and (c.go_live is null or c.period_end <= c.go_live or c.period_start >= c.go_live)
group by all having value is not null order by all
"""
"""Observed over expected at each team's own earlier level (indirect standardisation), so that the lines do not jump
when a large team changes sides; times the overall earlier level, to be in the KPI's unit."""


def _standardised(
    connection: duckdb.DuckDBPyConnection, kpi_id: str, stat_type: str, grain: str, groups: Sequence[Wave]
) -> tuple[Line, ...]:
    teams = [team for wave in groups for team in wave.members]
    dates = [wave.go_live for wave in groups for _ in wave.members]
    is_sum = stat_type in ADDITIVE
    rows = connection.execute(STANDARDISED, [teams, dates, is_sum, kpi_id, grain, is_sum]).fetchall()
    lines = (
        Line("waiting", [(day, value) for day, is_live, value in rows if not is_live]),
        Line("live", [(day, value) for day, is_live, value in rows if is_live]),
    )
    return tuple(line for line in lines if line.points)


def _grain(connection: duckdb.DuckDBPyConnection, kpi_id: str) -> str:
    months = connection.execute(
        "select count(distinct period_start) from metrics.kpi_value "
        "where kpi_id = ? and period_grain = 'month' and segment_dim = 'all' and is_mature",
        [kpi_id],
    ).fetchone()
    return "month" if months and months[0] >= MIN_MONTHS else "week"


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


def findings(connection: duckdb.DuckDBPyConnection) -> tuple[list[FindingLine], int]:
    """Open findings (blocking first, then those that touch most KPIs), and how many mere notes there are."""
    rows = connection.execute(
        "select rule_id, severity, concat_ws('.', source_id, object, field), fail_pct, coalesce(message, ''), "
        "coalesce(affected_kpis, []) from ops.data_quality_finding where state = 'open' and severity <> 'info' "
        "order by severity <> 'blocking', len(coalesce(affected_kpis, [])) desc, finding_id"
    ).fetchall()
    notes = connection.execute(
        "select count(*) from ops.data_quality_finding where state = 'open' and severity = 'info'"
    ).fetchone()
    lines = [
        FindingLine(rule, severity, place, share, message, tuple(ids))
        for rule, severity, place, share, message, ids in rows
    ]
    return lines, int(notes[0]) if notes else 0


def _has(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    found = connection.execute(
        "select 1 from information_schema.tables where table_schema = ? and table_name = ?", [schema, table]
    ).fetchone()
    return found is not None
