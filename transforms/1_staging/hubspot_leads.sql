-- HubSpot leads records, as they are
-- Grain:    one row per lead_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || id as lead_id,
    nullif(cast(id as varchar), '') as native_id,
    nullif(cast(hs_pipeline as varchar), '') as pipeline_native_id,
    nullif(cast(hs_pipeline_stage as varchar), '') as stage_native_id,
    nullif(cast(hubspot_owner_id as varchar), '') as owner_native_id,
    try_cast(hs_createdate as timestamptz) as created_at,
    nullif(cast(hs_lead_source as varchar), '') as lead_source,
    nullif(cast(hs_lead_type as varchar), '') as lead_type,
    cast(try_cast(hs_created_by_user_id as hugeint) as varchar) as created_by_user_native_id,
    coalesce(try_cast(archived as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_hubspot.leads
