-- Salesforce OpportunityContactRole records, as they are
-- Grain:    one row per role_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || Id as role_id,
    _source_id || ':' || OpportunityId as opportunity_id,
    _source_id || ':' || ContactId as contact_id,
    Role as role,
    try_cast(IsPrimary as boolean) as is_primary,
    coalesce(try_cast(IsDeleted as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_salesforce.OpportunityContactRole
