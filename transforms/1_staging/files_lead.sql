-- Enquiries from files, as the mapping names them
-- Grain:    one row per lead_id
-- Excludes: nothing; records whose row is gone are flagged
select
    _source_id as source_id,
    _source_id || ':' || id as lead_id,
    id as native_id,
    lower(status) as status,
    _source_id || ':' || owner as owner_id,
    nullif(trim(team), '') as team_name,
    'team:' || nullif(trim(regexp_replace(lower(team), '[^\p{L}\p{N}]+', '-', 'g'), '-'), '') as team_id,
    channel,
    _source_id || ':' || contact as contact_id,
    _source_id || ':' || opportunity as opportunity_id,
    created_at,
    created_date,
    first_touch_at,
    first_touch_date,
    qualified_at,
    qualified_date,
    converted_at,
    converted_date,
    disqualified_at,
    disqualified_date,
    source_file,
    _deleted as is_deleted,
    _extracted_at,
    _run_id
from raw_files.lead
