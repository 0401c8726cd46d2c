-- Salesforce Campaign records, as they are
-- Grain:    one row per campaign_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || Id as campaign_id,
    Id as native_id,
    Name as name,
    Type as type,
    try_cast(StartDate as date) as started_on,
    try_cast(EndDate as date) as ended_on,
    ActualCost as actual_cost_native,
    coalesce(try_cast(IsDeleted as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_salesforce.Campaign
