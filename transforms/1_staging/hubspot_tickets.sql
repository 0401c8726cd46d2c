-- HubSpot tickets records, as they are
-- Grain:    one row per ticket_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || id as ticket_id,
    nullif(cast(id as varchar), '') as native_id,
    nullif(cast(hs_pipeline as varchar), '') as pipeline_native_id,
    nullif(cast(hs_pipeline_stage as varchar), '') as stage_native_id,
    nullif(cast(hubspot_owner_id as varchar), '') as owner_native_id,
    try_cast(createdate as timestamptz) as created_at,
    try_cast(closed_date as timestamptz) as closed_at,
    try_cast(first_agent_reply_date as timestamptz) as first_agent_reply_at,
    nullif(cast(hs_ticket_priority as varchar), '') as priority,
    nullif(cast(hs_ticket_category as varchar), '') as category,
    nullif(cast(source_type as varchar), '') as channel,
    try_cast(hs_ticket_reopened_at as timestamptz) as reopened_at,
    try_cast(hs_time_to_first_response_sla_at as timestamptz) as sla_first_response_due_at,
    nullif(cast(hs_time_to_first_response_sla_status as varchar), '') as sla_first_response_status,
    try_cast(hs_time_to_close_sla_at as timestamptz) as sla_resolution_due_at,
    nullif(cast(hs_time_to_close_sla_status as varchar), '') as sla_resolution_status,
    try_cast(hs_time_to_first_response_in_operating_hours as double) / 60000.0 as business_min_first_response,
    try_cast(hs_time_to_close_in_operating_hours as double) / 60000.0 as business_min_close,
    nullif(cast(hs_merged_object_ids as varchar), '') as merged_native_ids,
    cast(try_cast(hs_created_by_user_id as hugeint) as varchar) as created_by_user_native_id,
    coalesce(try_cast(archived as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_hubspot.tickets
