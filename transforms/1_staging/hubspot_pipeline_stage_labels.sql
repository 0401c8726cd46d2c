-- Every label a HubSpot pipeline stage has had, as they are
-- Grain:    one row per source_id, object_type, pipeline_native_id, stage_native_id, label
-- Excludes: nothing
select
    _source_id as source_id,
    nullif(cast(object_type as varchar), '') as object_type,
    nullif(cast(pipeline_id as varchar), '') as pipeline_native_id,
    nullif(cast(stage_id as varchar), '') as stage_native_id,
    nullif(cast(label as varchar), '') as label,
    try_cast(first_seen_at as timestamptz) as first_seen_at,
    try_cast(last_seen_at as timestamptz) as last_seen_at,
    _extracted_at,
    _run_id
from raw_hubspot.pipeline_stage_labels
