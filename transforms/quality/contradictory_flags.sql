-- Question: where do the flags of a record and the meaning of its stage disagree?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: deleted deals, stages no list holds
select
    'opportunity' as object,
    'status' as field,
    o.source_id,
    count(*) filter (where (o.status <> 'open') <> s.is_closed or (o.status = 'won') <> s.is_won) as failing_rows,
    count(*) as total_rows,
    min(o.opportunity_id, 5) filter (where (o.status <> 'open') <> s.is_closed or (o.status = 'won') <> s.is_won) as sample_ids
from core.opportunity as o
inner join core.pipeline_stage as s on s.stage_key = o.stage_key
where not o.is_deleted and s.is_listed
group by o.source_id
