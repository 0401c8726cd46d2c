-- Salesforce OpportunityHistory records, as they are
-- Grain:    one row per change_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || Id as change_id,
    Id as native_id,
    _source_id || ':' || OpportunityId as opportunity_id,
    StageName as stage_native_id,
    Amount as amount_native,
    try_cast(Probability as double) as probability_pct,
    try_cast(CloseDate as date) as close_date,
    try_cast(CreatedDate as timestamptz) as changed_at,
    _source_id || ':' || CreatedById as changed_by_id,
    coalesce(try_cast(IsDeleted as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_salesforce.OpportunityHistory
