-- Question: which records are in a stage no list of stages holds?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: sources that list no stages at all
select
    object,
    'stage' as field,
    source_id,
    count(*) filter (where not is_listed) as failing_rows,
    count(*) as total_rows,
    min(stage_key, 5) filter (where not is_listed) as sample_ids
from core.pipeline_stage
group by object, source_id
having bool_or(is_listed)
