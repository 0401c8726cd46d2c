"""Figures from before the CRM where no records are left: aggregates people brought, beside the values we computed."""

from __future__ import annotations

import duckdb

ORIGIN = "legacy_aggregate"
_AGGREGATES = """
insert into metrics.kpi_value by name
select
    l.kpi_id,
    case
        when days = 1 then 'day' when days = 7 then 'week' when days between 28 and 31 then 'month'
        when days between 89 and 92 then 'quarter' when days between 365 and 366 then 'year' else days || ' days'
    end as period_grain,
    l.period_start, l.period_end,
    case when l.segment_key = 'all' then 'all' else split_part(l.segment_key, ':', 1) end as segment_dim,
    case
        when l.segment_key = 'all' then 'all' when starts_with(l.segment_key, 'team:') then l.segment_key
        else substr(l.segment_key, strpos(l.segment_key, ':') + 1)
    end as segment_value,
    'legacy' as source_id, l.numerator, l.denominator, l.n, 0 as n_censored,
    coalesce(
        l.value, l.numerator / nullif(l.denominator, 0) * case when k.stat_type = 'nps' then 100 else 1 end,
        case when k.stat_type in ('sum', 'count') then l.numerator end
    ) as value,
    case
        when l.comparability = 'not_comparable' then 'not_comparable' when l.n is null then 'point_only'
        when l.n < k.min_n then 'too_few' else 'ok'
    end as status,
    case l.comparability
        when 'not_comparable' then coalesce(l.definition_note, 'it was measured in another way')
        when 'adjusted' then concat_ws(': ', 'adjusted to our definition', l.definition_note)
    end as reason,
    l.comparability <> 'not_comparable' as is_mature,
    l.period_end as mature_after, $origin as data_origin, k.definition_version, $run_id as run_id,
    now() as computed_at
from (select *, period_end - period_start as days from config.legacy_kpi_period) as l
inner join metrics.kpi as k using (kpi_id)
qualify row_number() over (
    partition by l.kpi_id, period_grain, l.period_start, l.segment_key order by l.period_end desc
) = 1
"""


def add_legacy_values(connection: duckdb.DuckDBPyConnection, run_id: str) -> int:
    """Add what people brought as aggregates to metrics.kpi_value, under the source `legacy`; returns how many.

    One that is not comparable says so in its status and is never mature; one without n is `point_only`: no verdict
    beyond inconclusive can come of it.
    """
    done = connection.execute(_AGGREGATES, {"run_id": run_id, "origin": ORIGIN}).fetchone()
    return int(done[0]) if done else 0
