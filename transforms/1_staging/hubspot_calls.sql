-- HubSpot calls records, as they are
-- Grain:    one row per activity_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || id as activity_id,
    nullif(cast(id as varchar), '') as native_id,
    try_cast(hs_timestamp as timestamptz) as occurred_at,
    nullif(cast(hs_call_direction as varchar), '') as direction,
    nullif(cast(hs_call_status as varchar), '') as status,
    try_cast(hs_call_duration as double) as duration_ms,
    try_cast(hs_createdate as timestamptz) as created_at,
    nullif(cast(hubspot_owner_id as varchar), '') as owner_native_id,
    nullif(cast(hs_object_source as varchar), '') as object_source,
    cast(try_cast(hs_created_by_user_id as hugeint) as varchar) as created_by_user_native_id,
    coalesce(try_cast(archived as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_hubspot.calls
