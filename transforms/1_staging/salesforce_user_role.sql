-- Salesforce UserRole records, as they are
-- Grain:    one row per role_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || Id as role_id,
    Id as native_id,
    Name as name,
    _source_id || ':' || ParentRoleId as parent_role_id,
    coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_salesforce.UserRole
