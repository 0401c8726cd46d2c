-- Salesforce Contact records, as they are
-- Grain:    one row per contact_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || Id as contact_id,
    Id as native_id,
    _source_id || ':' || AccountId as account_id,
    Email as email,
    LeadSource as lead_source,
    _source_id || ':' || OwnerId as owner_id,
    try_cast(CreatedDate as timestamptz) as created_at,
    _source_id || ':' || CreatedById as created_by_id,
    _source_id || ':' || MasterRecordId as merged_into_id,
    coalesce(try_cast(IsDeleted as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_salesforce.Contact
