-- HubSpot deals records, as they are
-- Grain:    one row per opportunity_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || id as opportunity_id,
    nullif(cast(id as varchar), '') as native_id,
    nullif(cast(dealname as varchar), '') as name,
    nullif(cast(hubspot_owner_id as varchar), '') as owner_native_id,
    nullif(cast(pipeline as varchar), '') as pipeline_native_id,
    nullif(cast(dealstage as varchar), '') as stage_native_id,
    try_cast(hs_is_closed as boolean) as is_closed,
    try_cast(hs_is_closed_won as boolean) as is_won,
    nullif(cast(dealtype as varchar), '') as deal_type,
    amount as amount_native,
    nullif(cast(deal_currency_code as varchar), '') as currency_code,
    try_cast(hs_exchange_rate as double) as exchange_rate,
    try_cast(hs_deal_stage_probability as double) as probability,
    nullif(cast(hs_manual_forecast_category as varchar), '') as forecast_category,
    try_cast(closedate as timestamptz) as close_at,
    try_cast(createdate as timestamptz) as created_at,
    nullif(cast(hs_analytics_source as varchar), '') as lead_source,
    nullif(cast(hs_campaign as varchar), '') as campaign_native_id,
    nullif(cast(hs_next_step as varchar), '') as next_step,
    try_cast(notes_last_updated as timestamptz) as last_activity_at,
    try_cast(hs_lastmodifieddate as timestamptz) as last_modified_at,
    nullif(cast(closed_lost_reason as varchar), '') as loss_reason,
    nullif(cast(hs_merged_object_ids as varchar), '') as merged_native_ids,
    cast(try_cast(hs_created_by_user_id as hugeint) as varchar) as created_by_user_native_id,
    coalesce(try_cast(archived as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_hubspot.deals
