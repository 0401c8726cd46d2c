-- Salesforce Case records, as they are
-- Grain:    one row per ticket_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || Id as ticket_id,
    Id as native_id,
    _source_id || ':' || MasterRecordId as merged_into_id,
    _source_id || ':' || AccountId as account_id,
    _source_id || ':' || ContactId as contact_id,
    _source_id || ':' || OwnerId as owner_id,
    Status as stage_native_id,
    try_cast(IsClosed as boolean) as is_closed,
    Priority as priority,
    Type as category,
    Reason as reason,
    Origin as channel,
    try_cast(IsEscalated as boolean) as is_escalated,
    try_cast(CreatedDate as timestamptz) as created_at,
    _source_id || ':' || CreatedById as created_by_id,
    try_cast(ClosedDate as timestamptz) as closed_at,
    coalesce(try_cast(IsDeleted as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_salesforce.Case
