-- Pipedrive leads records, as they are
-- Grain:    one row per lead_id
-- Excludes: nothing. A lead that became a deal, or was deleted, is gone from Pipedrive and flagged as deleted
select
    _source_id as source_id,
    _source_id || ':' || id as lead_id,
    id as native_id,
    _source_id || ':' || owner_id as owner_id,
    _source_id || ':' || person_id as contact_id,
    coalesce(source_name, channel) as lead_source,
    case when try_cast(is_archived as boolean) then 'archived' when try_cast(was_seen as boolean) then 'seen' else 'new' end as status,
    try_cast(add_time as timestamptz) as created_at,
    try_cast(update_time as timestamptz) as last_modified_at,
    coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_pipedrive.leads
