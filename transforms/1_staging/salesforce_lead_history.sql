-- Salesforce LeadHistory records, as they are
-- Grain:    one row per change_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || Id as change_id,
    Id as native_id,
    _source_id || ':' || LeadId as lead_id,
    Field as field,
    OldValue as old_value,
    NewValue as new_value,
    try_cast(CreatedDate as timestamptz) as changed_at,
    _source_id || ':' || CreatedById as changed_by_id,
    coalesce(try_cast(IsDeleted as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_salesforce.LeadHistory
