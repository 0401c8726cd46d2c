-- Question: which records come from the future?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: deleted records
with records as (
    select 'opportunity' as object, source_id, opportunity_id as record_id, created_at, closed_at
    from core.opportunity
    where not is_deleted
    union all
    select 'ticket', source_id, ticket_id, created_at, closed_at from core.ticket where not is_deleted
    union all
    select 'lead', source_id, lead_id, created_at, converted_at from core.lead where not is_deleted
)

select
    object,
    'created_at' as field,
    source_id,
    count(*) filter (where greatest(created_at, closed_at) > cast($as_of as timestamptz) + interval 1 day) as failing_rows,
    count(*) as total_rows,
    min(record_id, 5) filter (where greatest(created_at, closed_at) > cast($as_of as timestamptz) + interval 1 day) as sample_ids
from records
group by object, source_id
