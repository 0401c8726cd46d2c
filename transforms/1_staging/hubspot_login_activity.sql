-- HubSpot account log-ins, as they are
-- Grain:    one row per login_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || id as login_id,
    nullif(cast(id as varchar), '') as native_id,
    try_cast(loginAt as timestamptz) as login_at,
    nullif(cast(userId as varchar), '') as user_native_id,
    try_cast(loginSucceeded as boolean) as is_succeeded,
    coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_hubspot.login_activity
