-- HubSpot companies records, as they are
-- Grain:    one row per account_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || id as account_id,
    nullif(cast(id as varchar), '') as native_id,
    nullif(cast(name as varchar), '') as name,
    nullif(cast(domain as varchar), '') as domain,
    nullif(cast(industry as varchar), '') as industry,
    nullif(cast(country as varchar), '') as country,
    nullif(cast(region as varchar), '') as region,
    nullif(cast(segment as varchar), '') as segment,
    try_cast(numberofemployees as double) as employee_count,
    annualrevenue as annual_revenue_native,
    nullif(cast(hubspot_owner_id as varchar), '') as owner_native_id,
    try_cast(createdate as timestamptz) as created_at,
    cast(try_cast(hs_created_by_user_id as hugeint) as varchar) as created_by_user_native_id,
    nullif(cast(hs_merged_object_ids as varchar), '') as merged_native_ids,
    _source_id || ':' || cast(try_cast(hs_parent_company_id as hugeint) as varchar) as parent_account_id,
    coalesce(try_cast(archived as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_hubspot.companies
