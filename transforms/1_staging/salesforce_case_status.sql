-- Salesforce CaseStatus records, as they are
-- Grain:    one row per case_status_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || Id as case_status_id,
    Id as native_id,
    MasterLabel as label,
    ApiName as api_name,
    try_cast(IsClosed as boolean) as is_closed,
    try_cast(SortOrder as bigint) as sort_order,
    coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_salesforce.CaseStatus
