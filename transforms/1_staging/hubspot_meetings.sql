-- HubSpot meetings records, as they are
-- Grain:    one row per activity_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || id as activity_id,
    nullif(cast(id as varchar), '') as native_id,
    try_cast(hs_timestamp as timestamptz) as occurred_at,
    try_cast(hs_meeting_start_time as timestamptz) as started_at,
    try_cast(hs_meeting_end_time as timestamptz) as ended_at,
    nullif(cast(hs_meeting_outcome as varchar), '') as outcome,
    try_cast(hs_createdate as timestamptz) as created_at,
    nullif(cast(hubspot_owner_id as varchar), '') as owner_native_id,
    nullif(cast(hs_object_source as varchar), '') as object_source,
    cast(try_cast(hs_created_by_user_id as hugeint) as varchar) as created_by_user_native_id,
    coalesce(try_cast(archived as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_hubspot.meetings
