-- Companies from files, as the mapping names them
-- Grain:    one row per account_id
-- Excludes: nothing; records whose row is gone are flagged
select
    _source_id as source_id,
    _source_id || ':' || id as account_id,
    id as native_id,
    name,
    domain,
    industry,
    segment,
    region,
    country,
    employees as employee_count,
    annual_revenue as annual_revenue_native,
    _source_id || ':' || owner as owner_id,
    _source_id || ':' || parent as parent_account_id,
    created_at,
    created_date,
    source_file,
    _deleted as is_deleted,
    _extracted_at,
    _run_id
from raw_files.account
