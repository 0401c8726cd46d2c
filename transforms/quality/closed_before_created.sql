-- Question: which deals and tickets ended before they began?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: deleted records
select
    'opportunity' as object,
    'closed_at' as field,
    source_id,
    count(*) filter (where closed_at < created_at) as failing_rows,
    count(*) as total_rows,
    min(opportunity_id, 5) filter (where closed_at < created_at) as sample_ids
from core.opportunity
where not is_deleted
group by source_id
union all
select
    'ticket' as object,
    'closed_at' as field,
    source_id,
    count(*) filter (where closed_at < created_at) as failing_rows,
    count(*) as total_rows,
    min(ticket_id, 5) filter (where closed_at < created_at) as sample_ids
from core.ticket
where not is_deleted
group by source_id
