"""Which system the records behind each KPI value are from: metrics.kpi_value.data_origin.

crm; legacy, survey or manual where files of that kind alone gave the records; mixed where several did.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import duckdb

from crmlift.registry import Kpi
from crmlift.warehouse.store import quoted

CRM, MANUAL, MIXED = "crm", "manual", "mixed"
WHO = ("core.account", "core.app_user", "core.contact", "core.team")
"""Tables that say who or when; records of another table make the figure."""
BY_UNIT = ("core.survey_response", "core.opportunity_snapshot")
"""Entities whose records' ids, which begin with their source, are the KPI's units."""

_ORIGIN = "case when s.system in ('legacy', 'survey', 'manual') then s.system else 'crm' end"
_JOINED = "case when count(distinct origin) = 1 then min(origin) else 'mixed' end"
_OF_SOURCES = f"""
update metrics.kpi_value as v set data_origin = {_ORIGIN} from core.source_instance as s
where s.source_id = v.source_id and {_ORIGIN} <> 'crm'
"""
_TOLD = f"""
create or replace temp table told as
select v.kpi_id, v.period_grain, v.period_start, {_ORIGIN} as origin
from metrics.kpi_value as v inner join core.source_instance as s using (source_id)
where v.segment_dim = 'all' and v.n + v.n_censored > 0
union
select u.kpi_id, p.period_grain, p.period_start, {_ORIGIN}
from metrics.kpi_unit as u
inner join core.source_instance as s on s.source_id = split_part(u.unit_id, ':', 1)
inner join core.calendar as p on p.day = cast(timezone($timezone, u.event_at) as date)
where u.kpi_id in (select unnest($by_unit))
"""
_OF_PERIODS = f"""
update metrics.kpi_value as v set data_origin = o.origin
from (
    select kpi_id, period_grain, period_start, {_JOINED} as origin from told group by all having {_JOINED} <> 'crm'
) as o
where v.source_id = 'all' and o.kpi_id = v.kpi_id and o.period_grain = v.period_grain
    and o.period_start = v.period_start
"""
_OF_NOTHING = f"""
update metrics.kpi_value as v set data_origin = o.origin
from (select kpi_id, {_JOINED} as origin from told group by all having {_JOINED} not in ('crm', 'mixed')) as o
where v.source_id = 'all' and v.kpi_id = o.kpi_id and v.n + v.n_censored = 0
"""
"""Periods without records are of the one kind of source that gives the KPI any."""
_OF_PARTS = f"""
with told as (
    select m.kpi_id, v.period_grain, v.period_start, v.segment_dim, v.segment_value, v.data_origin as origin
    from metrics.kpi_value as v
    inner join (select unnest($kpis) as kpi_id, unnest($parts) as part) as m on m.part = v.kpi_id
    where v.source_id = 'all'
)
update metrics.kpi_value as v set data_origin = o.origin
from (
    select * exclude (origin), {_JOINED} as origin from told group by all having {_JOINED} <> 'crm'
) as o
where v.source_id = 'all' and o.kpi_id = v.kpi_id and o.period_grain = v.period_grain
    and o.period_start = v.period_start and o.segment_dim = v.segment_dim and o.segment_value = v.segment_value
"""


def mark_origins(connection: duckdb.DuckDBPyConnection, kpis: Sequence[Kpi], timezone: str) -> None:
    """Set data_origin of the values in metrics.kpi_value, which are written as crm.

    KPIs whose units have a source: by the sources that gave records in the period. Others: by their units' ids where
    those name the source, else by all the records their tables hold. Composites: by their parts.
    """
    unsourced = [k for k in kpis if not k.is_derived and "source_id" not in k.columns]
    by_unit = [k.kpi_id for k in unsourced if k.definition.entity in BY_UNIT]
    if _has_files(connection):
        connection.execute(_OF_SOURCES)
        connection.execute(_TOLD, {"timezone": timezone, "by_unit": by_unit})
        connection.execute(f"{_OF_PERIODS};{_OF_NOTHING};drop table told")
    for kpi in unsourced:
        if kpi.kpi_id not in by_unit and (origin := origin_of(connection, kpi)) != CRM:
            connection.execute(
                "update metrics.kpi_value set data_origin = ? where kpi_id = ? and source_id = 'all'",
                [origin, kpi.kpi_id],
            )
    pairs = [(k.kpi_id, part) for k in kpis if k.definition.stat_type == "composite" for part in k.parts]
    if pairs:
        names, parts = zip(*pairs, strict=True)
        connection.execute(_OF_PARTS, {"kpis": list(names), "parts": list(parts)})


def origin_of(connection: duckdb.DuckDBPyConnection, kpi: Kpi) -> str:
    """Where the records of a KPI are from, over all time: the tables it is about, else those it reads.

    Figures people brought along (costs, scores) are manual; with figures of other KPIs beside them, mixed.
    """
    entity = kpi.definition.entity
    recorded = [entity] if entity.startswith("core.") else [t for t in kpi.reads if _is_record(t)]
    found = set().union(*(_systems(connection, table) for table in sorted(recorded)))
    if not recorded:
        found = {MANUAL} if any(table.startswith("config.") for table in kpi.reads) else set()
        if any(table.startswith(("metrics.", "evaluation.")) for table in kpi.reads):
            found |= {CRM}
    return _joined(found)


def origins_before(connection: duckdb.DuckDBPyConnection, go_live: date, timezone: str) -> dict[str, str]:
    """KPI → where its units before a local day are from; without those all from a CRM."""
    if not _has_files(connection):
        return {}
    found = connection.execute(
        f"select kpi_id, {_JOINED} from (select distinct u.kpi_id, {_ORIGIN} as origin from metrics.kpi_unit as u "
        "inner join core.source_instance as s "
        "on s.source_id = coalesce(nullif(u.source_id, 'all'), split_part(u.unit_id, ':', 1)) "
        "where u.event_at < timezone($timezone, cast($day as timestamp))) group by kpi_id",
        {"timezone": timezone, "day": go_live},
    ).fetchall()
    return dict(found)


def _is_record(table: str) -> bool:
    return table.startswith("core.") and table not in WHO


def _systems(connection: duckdb.DuckDBPyConnection, table: str) -> set[str]:
    schema, name = table.split(".")
    has_source = connection.execute(
        "select 1 from duckdb_columns() where schema_name = ? and table_name = ? and column_name = 'source_id'",
        [schema, name],
    ).fetchone()
    if has_source is None:
        return set()
    found = connection.execute(
        f"select distinct {_ORIGIN} from (select distinct source_id from {schema}.{quoted(name)}) "
        "inner join core.source_instance as s using (source_id)"
    ).fetchall()
    return {origin for (origin,) in found}


def _joined(origins: Iterable[str]) -> str:
    found = set(origins)
    return found.pop() if len(found) == 1 else MIXED if found else CRM


def _has_files(connection: duckdb.DuckDBPyConnection) -> bool:
    found = connection.execute(
        "select count(*) from core.source_instance where system in ('legacy', 'survey', 'manual')"
    ).fetchone()
    return bool(found and found[0])
