-- Salesforce Opportunity records, as they are
-- Grain:    one row per opportunity_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || Id as opportunity_id,
    Id as native_id,
    Name as name,
    _source_id || ':' || AccountId as account_id,
    _source_id || ':' || ContactId as primary_contact_id,
    _source_id || ':' || OwnerId as owner_id,
    StageName as stage_native_id,
    try_cast(IsClosed as boolean) as is_closed,
    try_cast(IsWon as boolean) as is_won,
    Type as deal_type,
    Amount as amount_native,
    CurrencyIsoCode as currency_code,
    try_cast(Probability as double) as probability_pct,
    ForecastCategory as forecast_category,
    try_cast(CloseDate as date) as close_date,
    try_cast(CreatedDate as timestamptz) as created_at,
    _source_id || ':' || CreatedById as created_by_id,
    LeadSource as lead_source,
    _source_id || ':' || CampaignId as campaign_id,
    NextStep as next_step,
    try_cast(LastActivityDate as date) as last_activity_date,
    try_cast(LastModifiedDate as timestamptz) as last_modified_at,
    try_cast(PushCount as bigint) as push_count,
    Loss_Reason__c as loss_reason,
    coalesce(try_cast(IsDeleted as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_salesforce.Opportunity
