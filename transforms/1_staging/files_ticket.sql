-- Requests from files, as the mapping names them
-- Grain:    one row per ticket_id
-- Excludes: nothing; records whose row is gone are flagged
select
    _source_id as source_id,
    _source_id || ':' || id as ticket_id,
    id as native_id,
    lower(status) as status,
    priority,
    category,
    channel,
    _source_id || ':' || owner as owner_id,
    nullif(trim(team), '') as team_name,
    'team:' || nullif(trim(regexp_replace(lower(team), '[^\p{L}\p{N}]+', '-', 'g'), '-'), '') as team_id,
    _source_id || ':' || account as account_id,
    _source_id || ':' || contact as contact_id,
    created_at,
    created_date,
    first_response_at,
    first_response_date,
    closed_at,
    closed_date,
    reopen_count,
    source_file,
    _deleted as is_deleted,
    _extracted_at,
    _run_id
from raw_files.ticket
