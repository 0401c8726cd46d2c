-- Salesforce LoginHistory records, as they are
-- Grain:    one row per login_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || Id as login_id,
    Id as native_id,
    _source_id || ':' || UserId as user_id,
    try_cast(LoginTime as timestamptz) as login_at,
    LoginType as login_type,
    Status as status,
    Application as application,
    coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_salesforce.LoginHistory
