-- Pipedrive pipelines records, as they are
-- Grain:    one row per source_id, pipeline_native_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    id as pipeline_native_id,
    name as label,
    coalesce(try_cast(is_deleted as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_pipedrive.pipelines
