-- HubSpot pipeline stages of all object types, as they are
-- Grain:    one row per source_id, object_type, pipeline_native_id, stage_native_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    nullif(cast(object_type as varchar), '') as object_type,
    nullif(cast(pipeline_id as varchar), '') as pipeline_native_id,
    nullif(cast(stage_id as varchar), '') as stage_native_id,
    nullif(cast(label as varchar), '') as label,
    try_cast(display_order as bigint) as display_order,
    try_cast(is_closed as boolean) as is_closed,
    try_cast(probability as double) as probability,
    nullif(cast(ticket_state as varchar), '') as ticket_state,
    try_cast(created_at as timestamptz) as created_at,
    try_cast(updated_at as timestamptz) as updated_at,
    try_cast(archived_at as timestamptz) as archived_at,
    coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_hubspot.pipeline_stages
