-- Salesforce EmailMessage records, as they are
-- Grain:    one row per activity_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || Id as activity_id,
    Id as native_id,
    _source_id || ':' || ParentId as ticket_id,
    RelatedToId as what_native_id,
    try_cast(Incoming as boolean) as is_incoming,
    try_cast(MessageDate as timestamptz) as sent_at,
    _source_id || ':' || CreatedById as created_by_id,
    try_cast(CreatedDate as timestamptz) as created_at,
    coalesce(try_cast(IsDeleted as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_salesforce.EmailMessage
