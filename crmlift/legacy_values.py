"""Figures from before the CRM beside those from it: where each is from, and aggregates where no records are left."""

from __future__ import annotations

import duckdb

_ORIGINS = """
create or replace temp table value_origin as
select v.kpi_id, v.period_grain, v.period_start,
    case
        when bool_and(s.system = 'legacy') then 'legacy'
        when bool_and(s.system = 'survey') then 'survey'
        else 'mixed'
    end as data_origin
from metrics.kpi_value as v
inner join core.source_instance as s using (source_id)
where v.segment_dim = 'all' and v.n + v.n_censored > 0
group by all
having bool_or(s.system in ('legacy', 'survey', 'manual'))
"""

_AGGREGATES = """
insert into metrics.kpi_value by name
select
    l.kpi_id,
    case
        when days = 1 then 'day' when days = 7 then 'week' when days between 28 and 31 then 'month'
        when days between 89 and 92 then 'quarter' when days between 365 and 366 then 'year' else 'other'
    end as period_grain,
    l.period_start, l.period_end,
    case when l.segment_key = 'all' then 'all' else split_part(l.segment_key, ':', 1) end as segment_dim,
    case
        when l.segment_key = 'all' then 'all' when starts_with(l.segment_key, 'team:') then l.segment_key
        else substr(l.segment_key, strpos(l.segment_key, ':') + 1)
    end as segment_value,
    'legacy' as source_id, l.numerator, l.denominator, l.n, 0 as n_censored,
    coalesce(
        l.value, l.numerator / nullif(l.denominator, 0) * case when k.stat_type = 'nps' then 100 else 1 end
    ) as value,
    case
        when l.comparability = 'not_comparable' then 'not_comparable' when l.n is null then 'point_only'
        when l.n < k.min_n then 'too_few' else 'ok'
    end as status,
    l.comparability <> 'not_comparable' as is_mature,
    l.period_end as mature_after, 'legacy_aggregate' as data_origin, k.definition_version, $run_id as run_id,
    now() as computed_at
from (select *, period_end - period_start as days from config.legacy_kpi_period) as l
inner join metrics.kpi as k using (kpi_id)
"""


def add_legacy_values(connection: duckdb.DuckDBPyConnection, run_id: str) -> int:
    """Say of every value what it is from, and add what people brought as aggregates; returns how many were added.

    data_origin: crm; legacy or survey where files alone gave the records of a KPI's period, mixed where both did;
    legacy_aggregate for added figures, which stand under the source `legacy`. One that is not comparable says so in its
    status and is never mature; one without n is `point_only`: no interval and no test can come of it.
    """
    connection.execute(_ORIGINS)
    connection.execute(
        "update metrics.kpi_value as v set data_origin = case s.system when 'survey' then 'survey' else 'legacy' end "
        "from core.source_instance as s "
        "where s.source_id = v.source_id and s.system in ('legacy', 'survey', 'manual')"
    )
    connection.execute(
        "update metrics.kpi_value as v set data_origin = o.data_origin from value_origin as o "
        "where v.source_id = 'all' and o.kpi_id = v.kpi_id and o.period_grain = v.period_grain "
        "and o.period_start = v.period_start"
    )
    connection.execute("drop table value_origin")
    done = connection.execute(_AGGREGATES, {"run_id": run_id}).fetchone()
    return int(done[0]) if done else 0
