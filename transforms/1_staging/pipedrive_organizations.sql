-- Pipedrive organizations records, as they are
-- Grain:    one row per account_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || id as account_id,
    id as native_id,
    name,
    website as domain,
    industry,
    address->>'$.country' as country,
    try_cast(employee_count as bigint) as employee_count,
    annual_revenue as annual_revenue_native,
    _source_id || ':' || owner_id as owner_id,
    try_cast(add_time as timestamptz) as created_at,
    coalesce(try_cast(is_deleted as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_pipedrive.organizations
