-- Question: was the work on each won deal written down?
-- Grain:    one row per won opportunity_id
-- Excludes: deleted deals; merged, duplicate, test and negative deals; automatic and unfinished activities
with logged as (
    select a.opportunity_id, count(*) as activities
    from core.activity as a
    inner join core.opportunity as o on o.opportunity_id = a.opportunity_id and a.occurred_at <= o.closed_at
    where a.is_completed and not a.is_automated and not a.is_deleted
    group by a.opportunity_id
)

select
    o.opportunity_id as unit_id,
    o.closed_at as event_at,
    o.initial_owner_id as owner_id,
    o.team_id,
    case when l.activities >= $min_activities then 1.0 else 0.0 end as num,
    1.0 as den,
    true as observed,
    o.source_id,
    o.account_id,
    o.amount_base,
    o.deal_type,
    o.lead_source,
    o.pipeline_name
from core.opportunity as o
left join logged as l using (opportunity_id)
where o.status = 'won' and o.is_countable and not o.is_deleted and o.closed_at <= $as_of
