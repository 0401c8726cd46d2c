-- Salesforce Lead records, as they are
-- Grain:    one row per lead_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || Id as lead_id,
    Id as native_id,
    Email as email,
    LeadSource as lead_source,
    Status as status,
    _source_id || ':' || OwnerId as owner_id,
    try_cast(CreatedDate as timestamptz) as created_at,
    _source_id || ':' || CreatedById as created_by_id,
    try_cast(IsConverted as boolean) as is_converted,
    try_cast(ConvertedDate as date) as converted_date,
    _source_id || ':' || ConvertedOpportunityId as converted_opportunity_id,
    _source_id || ':' || ConvertedAccountId as converted_account_id,
    _source_id || ':' || ConvertedContactId as converted_contact_id,
    try_cast(FirstCallDateTime as timestamptz) as first_call_at,
    try_cast(FirstEmailDateTime as timestamptz) as first_email_at,
    _source_id || ':' || MasterRecordId as merged_into_id,
    try_cast(LastModifiedDate as timestamptz) as last_modified_at,
    coalesce(try_cast(IsDeleted as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_salesforce.Lead
