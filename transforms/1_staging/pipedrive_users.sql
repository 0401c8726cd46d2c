-- Pipedrive users records, as they are
-- Grain:    one row per user_id
-- Excludes: nothing; deleted records are flagged. The role's name stands in for a team, as in Salesforce
select
    u._source_id as source_id,
    u._source_id || ':' || u.id as user_id,
    u.id as native_id,
    u.email,
    u.name as full_name,
    r.name as role_name,
    try_cast(u.active_flag as boolean) as is_active,
    u.email is not null and not regexp_matches(lower(coalesce(u.name, '')), '\b(integration|api|sync|automation)\b') as is_human,
    try_cast(u.created as timestamptz) as created_at,
    try_cast(u.modified as timestamptz) as last_modified_at,
    try_cast(u.last_login as timestamptz) as last_login_at,
    coalesce(u._deleted, false) as is_deleted,
    u._extracted_at,
    u._run_id
from raw_pipedrive.users as u
left join staging.pipedrive_roles as r on r.role_id = u._source_id || ':' || u.role_id
