-- Question: how far is our won revenue from the figure of the CRM's own report or the ledger?
-- Grain:    one row per control figure (period_start, period_end); observed once the period is over
-- Excludes: control figures that are counted in another way (comparability is not same); figures of 0; those of a time
--           before our first closed deal, of which there is nothing to agree with
with controls as (
    select
        period_start, period_end, value,
        timezone($timezone, cast(period_start as timestamp)) as start_at,
        timezone($timezone, cast(period_end as timestamp)) as end_at
    from config.legacy_kpi_period
    where kpi_id = 'won_revenue' and coalesce(segment_key, 'all') = 'all' and comparability = 'same' and value <> 0
),

ours as (
    select c.period_start, c.period_end, cast(sum(o.amount_base) as double) as won_base
    from controls as c
    inner join core.opportunity as o on o.closed_at >= c.start_at and o.closed_at < c.end_at
    where o.status = 'won' and o.is_countable and not o.is_deleted
    group by all
)

select
    c.period_start || '|' || c.period_end as unit_id,
    c.start_at as event_at,
    cast(null as varchar) as owner_id,
    cast(null as varchar) as team_id,
    abs(coalesce(o.won_base, 0.0) - c.value) as num,
    abs(c.value) as den,
    c.end_at <= $as_of as observed
from controls as c
left join ours as o on o.period_start = c.period_start and o.period_end = c.period_end
where c.start_at <= $as_of
    and c.end_at > (select min(closed_at) from core.opportunity where status <> 'open' and is_countable and not is_deleted)
