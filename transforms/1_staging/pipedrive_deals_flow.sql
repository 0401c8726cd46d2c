-- Changes of Pipedrive deals
-- Grain:    one row per change_id
-- Excludes: nothing
select
    _source_id as source_id,
    _source_id || ':' || id as change_id,
    lpad(id, 20, '0') as change_order,
    _source_id || ':' || deal_id as opportunity_id,
    field_key as field,
    old_value,
    new_value,
    try_cast(log_time as timestamptz) as changed_at,
    _source_id || ':' || user_id as changed_by_id,
    change_source
from raw_pipedrive.deals_flow
where not coalesce(_deleted, false)
