-- People outside the company from files, as the mapping names them
-- Grain:    one row per contact_id
-- Excludes: nothing; records whose row is gone are flagged
select
    _source_id as source_id,
    _source_id || ':' || id as contact_id,
    id as native_id,
    email,
    _source_id || ':' || account as account_id,
    _source_id || ':' || owner as owner_id,
    lead_source,
    lifecycle_stage,
    created_at,
    created_date,
    source_file,
    _deleted as is_deleted,
    _extracted_at,
    _run_id
from raw_files.contact
