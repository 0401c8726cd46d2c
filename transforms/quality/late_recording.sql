-- Question: did outcomes begin to be recorded well after the records themselves?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: objects with fewer than 50 outcomes or none until the last record. Records created before the first outcome are the failing ones
with outcomes as (
    select 'opportunity' as object, 'closed_at' as field, source_id, opportunity_id as record_id, created_at, closed_at as ended_at
    from core.opportunity
    where not is_deleted
    union all
    select 'ticket', 'first_response_at', source_id, ticket_id, created_at, first_response_at
    from core.ticket
    where not is_deleted
    union all
    select 'ticket', 'closed_at', source_id, ticket_id, created_at, closed_at from core.ticket where not is_deleted
    union all
    select 'lead', 'first_touch_at', source_id, lead_id, created_at, first_touch_at from core.lead where not is_deleted
),

starts as (
    select
        object, field, source_id, record_id, created_at,
        min(created_at) over (partition by object, field, source_id) as first_created_at,
        max(created_at) over (partition by object, field, source_id) as last_created_at,
        quantile_cont(ended_at, 0.01) over (partition by object, field, source_id) as first_ended_at,
        count(ended_at) over (partition by object, field, source_id) as ended
    from outcomes
),

judged as (
    select
        object, field, source_id, record_id, created_at, first_ended_at,
        ended >= 50 and first_ended_at > first_created_at + interval 180 day and first_ended_at < last_created_at as is_late
    from starts
)

select
    object,
    field,
    source_id,
    count(*) filter (
        where is_late and created_at < first_ended_at - interval 90 day
    ) as failing_rows,
    count(*) as total_rows,
    min(record_id, 5) filter (
        where is_late and created_at < first_ended_at - interval 90 day
    ) as sample_ids
from judged
group by object, field, source_id
