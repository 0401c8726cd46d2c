-- Pipedrive persons records, as they are
-- Grain:    one row per contact_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || id as contact_id,
    id as native_id,
    _source_id || ':' || org_id as account_id,
    coalesce(
        list_filter(
            from_json(emails, '[{"value": "VARCHAR", "primary": "BOOLEAN"}]'), lambda entry: entry."primary"
        )[1]."value",
        emails->>'$[0].value'
    ) as email,
    _source_id || ':' || owner_id as owner_id,
    try_cast(add_time as timestamptz) as created_at,
    coalesce(try_cast(is_deleted as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_pipedrive.persons
