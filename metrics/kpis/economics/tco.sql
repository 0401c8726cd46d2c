-- Question: what did each cost item cost on each of its days so far?
-- Grain:    one row per cost_id and local day
-- Excludes: costs that would have been there without the CRM; days to come
with items as (
    select
        cost_id, rollout_id, category, period_start, greatest(period_end, period_start + 1) as period_end,
        cast(coalesce(amount_base, hours * hourly_rate_base) as double) as cost_base
    from config.cost_item
    where is_incremental
)

select
    i.cost_id || '|' || cast(d.day as date) as unit_id,
    timezone($timezone, cast(d.day as timestamp)) as event_at,
    cast(null as varchar) as owner_id,
    cast(null as varchar) as team_id,
    i.cost_base / date_diff('day', i.period_start, i.period_end) as num,
    1.0 as den,
    true as observed,
    i.rollout_id,
    i.category
from items as i
cross join lateral (
    select unnest(generate_series(
        cast(i.period_start as timestamp),
        least(cast(i.period_end as timestamp), timezone($timezone, $as_of)) - interval 1 day,
        interval 1 day
    )) as day
) as d
where i.cost_base is not null
