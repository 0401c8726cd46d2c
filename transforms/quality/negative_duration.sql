-- Question: which answers and touches lie before what they answer?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: deleted records
select
    'ticket' as object,
    'first_response_at' as field,
    source_id,
    count(*) filter (where first_response_at < created_at) as failing_rows,
    count(*) as total_rows,
    min(ticket_id, 5) filter (where first_response_at < created_at) as sample_ids
from core.ticket
where not is_deleted
group by source_id
union all
select
    'lead' as object,
    'converted_at' as field,
    source_id,
    count(*) filter (where converted_at < created_at) as failing_rows,
    count(*) as total_rows,
    min(lead_id, 5) filter (where converted_at < created_at) as sample_ids
from core.lead
where not is_deleted
group by source_id
union all
select
    'activity' as object,
    'completed_at' as field,
    source_id,
    count(*) filter (where duration_s < 0) as failing_rows,
    count(*) as total_rows,
    min(activity_id, 5) filter (where duration_s < 0) as sample_ids
from core.activity
where not is_deleted
group by source_id
