-- HubSpot deals records, as they are
-- Grain:    one row per opportunity_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || id as opportunity_id,
    nullif(id, '') as native_id,
    nullif(dealname, '') as name,
    nullif(hubspot_owner_id, '') as owner_native_id,
    nullif(pipeline, '') as pipeline_native_id,
    nullif(dealstage, '') as stage_native_id,
    try_cast(hs_is_closed as boolean) as is_closed,
    try_cast(hs_is_closed_won as boolean) as is_won,
    nullif(dealtype, '') as deal_type,
    try_cast(amount as decimal(18, 4)) as amount_native,
    nullif(deal_currency_code, '') as currency_code,
    try_cast(hs_deal_stage_probability as double) as probability,
    nullif(hs_manual_forecast_category, '') as forecast_category,
    try_cast(closedate as timestamptz) as close_at,
    try_cast(createdate as timestamptz) as created_at,
    nullif(hs_analytics_source, '') as lead_source,
    nullif(hs_campaign, '') as campaign_native_id,
    nullif(hs_next_step, '') as next_step,
    try_cast(notes_last_updated as timestamptz) as last_activity_at,
    try_cast(hs_lastmodifieddate as timestamptz) as last_modified_at,
    nullif(closed_lost_reason, '') as loss_reason,
    nullif(hs_merged_object_ids, '') as merged_native_ids,
    nullif(hs_created_by_user_id, '') as created_by_user_native_id,
    coalesce(try_cast(archived as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_hubspot.deals
