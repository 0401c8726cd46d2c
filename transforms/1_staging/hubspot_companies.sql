-- HubSpot companies records, as they are
-- Grain:    one row per account_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || id as account_id,
    nullif(id, '') as native_id,
    nullif(name, '') as name,
    nullif(domain, '') as domain,
    nullif(industry, '') as industry,
    nullif(country, '') as country,
    nullif(region, '') as region,
    nullif(segment, '') as segment,
    try_cast(numberofemployees as double) as employee_count,
    try_cast(annualrevenue as decimal(18, 4)) as annual_revenue_native,
    nullif(hubspot_owner_id, '') as owner_native_id,
    try_cast(createdate as timestamptz) as created_at,
    nullif(hs_created_by_user_id, '') as created_by_user_native_id,
    nullif(hs_merged_object_ids, '') as merged_native_ids,
    _source_id || ':' || hs_parent_company_id as parent_account_id,
    coalesce(try_cast(archived as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_hubspot.companies
