-- Question: did each open deal's close date lie in the past?
-- Grain:    one row per opportunity_id and last nightly snapshot of a local week, or tonight's
-- Excludes: nights before snapshots were kept
with lasts as (
    select max(snapshot_date) as snapshot_date
    from core.opportunity_snapshot
    where timezone($timezone, cast(snapshot_date as timestamp)) <= $as_of
    group by date_trunc('week', snapshot_date)
),

nights as (
    select
        snapshot_date,
        least(timezone($timezone, cast(snapshot_date as timestamp)), $as_of - interval 1 microsecond) as event_at
    from lasts
)

select
    s.opportunity_id || '|' || s.snapshot_date as unit_id,
    n.event_at,
    s.owner_id,
    s.team_id,
    case when s.expected_close_date < s.snapshot_date then 1.0 else 0.0 end as num,
    1.0 as den,
    true as observed,
    s.source_id,
    o.account_id,
    o.amount_base,
    o.deal_type,
    o.lead_source,
    o.pipeline_name
from core.opportunity_snapshot as s
inner join nights as n on n.snapshot_date = s.snapshot_date
left join core.opportunity as o on o.opportunity_id = s.opportunity_id
where s.status = 'open'
