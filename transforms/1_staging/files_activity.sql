-- Calls, e-mails, meetings, tasks and notes from files, as the mapping names them
-- Grain:    one row per activity_id
-- Excludes: nothing; records whose row is gone are flagged
select
    _source_id as source_id,
    _source_id || ':' || id as activity_id,
    id as native_id,
    lower(type) as type,
    lower(direction) as direction,
    _source_id || ':' || owner as owner_id,
    occurred_at,
    occurred_date,
    duration_s,
    _source_id || ':' || account as account_id,
    _source_id || ':' || contact as contact_id,
    _source_id || ':' || lead as lead_id,
    _source_id || ':' || opportunity as opportunity_id,
    _source_id || ':' || ticket as ticket_id,
    source_file,
    _deleted as is_deleted,
    _extracted_at,
    _run_id
from raw_files.activity
