-- HubSpot pipelines of all object types, as they are
-- Grain:    one row per source_id, object_type, pipeline_native_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    nullif(cast(object_type as varchar), '') as object_type,
    nullif(cast(pipeline_id as varchar), '') as pipeline_native_id,
    nullif(cast(label as varchar), '') as label,
    try_cast(display_order as bigint) as display_order,
    coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_hubspot.pipelines
