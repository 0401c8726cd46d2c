-- Question: did stages get another name, come or go while deals went through them?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: stages as they were before the first deal
with began as (
    select source_id, min(created_at) as began_at from core.opportunity where not is_deleted group by source_id
),

labelled as (
    select source_id, pipeline_native_id, stage_native_id, count(distinct label) as labels
    from staging.hubspot_pipeline_stage_labels
    where object_type = 'deals'
    group by all
),

stages as (
    select
        s.source_id, s.stage_key,
        coalesce(s.valid_from > b.began_at, false) or s.valid_to is not null or coalesce(l.labels > 1, false) as has_changed
    from core.pipeline_stage as s
    inner join began as b on b.source_id = s.source_id
    left join labelled as l
        on l.source_id = s.source_id and l.pipeline_native_id = s.pipeline_native_id and l.stage_native_id = s.stage_native_id
    where s.object = 'opportunity' and s.is_listed
)

select
    'pipeline_stage' as object,
    'canonical_stage' as field,
    source_id,
    count(*) filter (where has_changed) as failing_rows,
    count(*) as total_rows,
    min(stage_key, 5) filter (where has_changed) as sample_ids
from stages
group by source_id
