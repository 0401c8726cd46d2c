-- Pipedrive roles records, as they are
-- Grain:    one row per role_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || id as role_id,
    id as native_id,
    name,
    coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_pipedrive.roles
