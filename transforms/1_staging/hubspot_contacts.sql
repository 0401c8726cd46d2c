-- HubSpot contacts records, as they are
-- Grain:    one row per contact_id
-- Excludes: nothing; deleted records are flagged, and the two samples HubSpot puts into every new account
select
    _source_id as source_id,
    _source_id || ':' || id as contact_id,
    nullif(cast(id as varchar), '') as native_id,
    nullif(cast(email as varchar), '') as email,
    coalesce(lower(trim(email)) in ('emailmaria@hubspot.com', 'bh@hubspot.com'), false) as is_sample,
    nullif(cast(lifecyclestage as varchar), '') as lifecycle_stage,
    nullif(cast(hs_lead_status as varchar), '') as lead_status,
    nullif(cast(hs_analytics_source as varchar), '') as lead_source,
    nullif(cast(hubspot_owner_id as varchar), '') as owner_native_id,
    _source_id || ':' || cast(try_cast(associatedcompanyid as hugeint) as varchar) as account_id,
    try_cast(createdate as timestamptz) as created_at,
    cast(try_cast(hs_created_by_user_id as hugeint) as varchar) as created_by_user_native_id,
    nullif(cast(hs_merged_object_ids as varchar), '') as merged_native_ids,
    try_cast(hubspot_owner_assigneddate as timestamptz) as owner_assigned_at,
    try_cast(hs_v2_date_entered_lead as timestamptz) as became_lead_at,
    try_cast(hs_v2_date_entered_marketingqualifiedlead as timestamptz) as became_mql_at,
    try_cast(hs_v2_date_entered_salesqualifiedlead as timestamptz) as became_sql_at,
    try_cast(hs_v2_date_entered_opportunity as timestamptz) as became_opportunity_at,
    try_cast(hs_sa_first_engagement_date as timestamptz) as first_engagement_at,
    coalesce(try_cast(archived as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_hubspot.contacts
