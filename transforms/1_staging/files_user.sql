-- People who work here from files, as the mapping names them
-- Grain:    one row per user_id
-- Excludes: nothing; records whose row is gone are flagged
select
    _source_id as source_id,
    _source_id || ':' || id as user_id,
    id as native_id,
    name as full_name,
    email,
    nullif(trim(team), '') as team_name,
    'team:' || nullif(trim(regexp_replace(lower(team), '[^\p{L}\p{N}]+', '-', 'g'), '-'), '') as team_id,
    nullif(trim(region), '') as region,
    nullif(trim(segment), '') as segment,
    _source_id || ':' || manager as manager_user_id,
    role as role_name,
    is_active,
    created_at,
    created_date,
    deactivated_at,
    deactivated_date,
    source_file,
    _deleted as is_deleted,
    _extracted_at,
    _run_id
from raw_files."user"
