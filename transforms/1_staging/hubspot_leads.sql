-- HubSpot leads records, as they are
-- Grain:    one row per lead_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || id as lead_id,
    nullif(id, '') as native_id,
    nullif(hs_pipeline, '') as pipeline_native_id,
    nullif(hs_pipeline_stage, '') as stage_native_id,
    nullif(hubspot_owner_id, '') as owner_native_id,
    try_cast(hs_createdate as timestamptz) as created_at,
    nullif(hs_lead_source, '') as lead_source,
    nullif(hs_lead_type, '') as lead_type,
    nullif(hs_created_by_user_id, '') as created_by_user_native_id,
    coalesce(try_cast(archived as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_hubspot.leads
