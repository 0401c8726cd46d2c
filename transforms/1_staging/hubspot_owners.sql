-- HubSpot owners records, as they are
-- Grain:    one row per user_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || id as user_id,
    nullif(cast(id as varchar), '') as native_id,
    nullif(cast(email as varchar), '') as email,
    nullif(cast(firstName as varchar), '') as first_name,
    nullif(cast(lastName as varchar), '') as last_name,
    nullif(cast(userId as varchar), '') as user_native_id,
    nullif(cast(type as varchar), '') as owner_type,
    try_cast(teams as json) as teams,
    try_cast(createdAt as timestamptz) as created_at,
    try_cast(updatedAt as timestamptz) as updated_at,
    coalesce(try_cast(archived as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_hubspot.owners
