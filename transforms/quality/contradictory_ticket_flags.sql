-- Question: which tickets are closed by their own flag but not by their status, or the other way round?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: deleted tickets, statuses no list holds
select
    'ticket' as object,
    'status' as field,
    t.source_id,
    count(*) filter (where (t.status = 'closed') <> s.is_closed) as failing_rows,
    count(*) as total_rows,
    min(t.ticket_id, 5) filter (where (t.status = 'closed') <> s.is_closed) as sample_ids
from core.ticket as t
inner join core.pipeline_stage as s on s.stage_key = t.stage_key
where not t.is_deleted and s.is_listed
group by t.source_id
