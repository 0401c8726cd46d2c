-- Question: was each open deal that was due in a local month decided in it?
-- Grain:    one row per month with a snapshot and deal due in it on the month's first one; observed once the month is over
-- Excludes: deals that were merged, deleted or set aside since
with firsts as (
    select cast(date_trunc('month', snapshot_date) as date) as month, min(snapshot_date) as snapshot_date
    from core.opportunity_snapshot
    where timezone($timezone, cast(snapshot_date as timestamp)) < $as_of
    group by all
),

ends as (
    select month, snapshot_date, timezone($timezone, cast(month + interval 1 month as timestamp)) as end_at from firsts
)

select
    s.opportunity_id || '|' || e.month as unit_id,
    timezone($timezone, cast(s.snapshot_date as timestamp)) as event_at,
    o.initial_owner_id as owner_id,
    o.team_id,
    case when o.closed_at < e.end_at then 0.0 else 1.0 end as num,
    1.0 as den,
    e.end_at <= $as_of as observed,
    o.source_id,
    o.account_id,
    o.amount_base,
    o.deal_type,
    o.lead_source,
    o.pipeline_name
from core.opportunity_snapshot as s
inner join ends as e on e.snapshot_date = s.snapshot_date
inner join core.opportunity as o on o.opportunity_id = s.opportunity_id
where s.status = 'open' and date_trunc('month', s.expected_close_date) = e.month and o.is_countable and not o.is_deleted
