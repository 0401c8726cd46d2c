-- Salesforce OpportunityStage records, as they are
-- Grain:    one row per stage_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || Id as stage_id,
    Id as native_id,
    ApiName as api_name,
    MasterLabel as label,
    try_cast(IsActive as boolean) as is_active,
    try_cast(IsClosed as boolean) as is_closed,
    try_cast(IsWon as boolean) as is_won,
    try_cast(SortOrder as bigint) as sort_order,
    try_cast(DefaultProbability as double) as default_probability_pct,
    ForecastCategory as forecast_category,
    try_cast(CreatedDate as timestamptz) as created_at,
    try_cast(LastModifiedDate as timestamptz) as last_modified_at,
    coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_salesforce.OpportunityStage
