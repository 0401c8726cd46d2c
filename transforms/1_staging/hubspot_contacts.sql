-- HubSpot contacts records, as they are
-- Grain:    one row per contact_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || id as contact_id,
    nullif(id, '') as native_id,
    nullif(email, '') as email,
    nullif(lifecyclestage, '') as lifecycle_stage,
    nullif(hs_lead_status, '') as lead_status,
    nullif(hs_analytics_source, '') as lead_source,
    nullif(hubspot_owner_id, '') as owner_native_id,
    _source_id || ':' || associatedcompanyid as account_id,
    try_cast(createdate as timestamptz) as created_at,
    nullif(hs_created_by_user_id, '') as created_by_user_native_id,
    nullif(hs_merged_object_ids, '') as merged_native_ids,
    try_cast(hs_v2_date_entered_lead as timestamptz) as became_lead_at,
    try_cast(hs_v2_date_entered_marketingqualifiedlead as timestamptz) as became_mql_at,
    try_cast(hs_v2_date_entered_salesqualifiedlead as timestamptz) as became_sql_at,
    try_cast(hs_v2_date_entered_opportunity as timestamptz) as became_opportunity_at,
    try_cast(hs_sa_first_engagement_date as timestamptz) as first_engagement_at,
    coalesce(try_cast(archived as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_hubspot.contacts
