-- Salesforce Profile records, as they are
-- Grain:    one row per profile_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || Id as profile_id,
    Id as native_id,
    Name as name,
    coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_salesforce.Profile
