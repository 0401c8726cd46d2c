-- HubSpot owners records, as they are
-- Grain:    one row per user_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || id as user_id,
    nullif(id, '') as native_id,
    nullif(email, '') as email,
    nullif(firstName, '') as first_name,
    nullif(lastName, '') as last_name,
    nullif(userId, '') as user_native_id,
    nullif(type, '') as owner_type,
    try_cast(teams as json) as teams,
    try_cast(createdAt as timestamptz) as created_at,
    try_cast(updatedAt as timestamptz) as updated_at,
    coalesce(try_cast(archived as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_hubspot.owners
