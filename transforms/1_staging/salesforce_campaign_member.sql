-- Salesforce CampaignMember records, as they are
-- Grain:    one row per member_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || Id as member_id,
    Id as native_id,
    _source_id || ':' || CampaignId as campaign_id,
    _source_id || ':' || LeadId as lead_id,
    _source_id || ':' || ContactId as contact_id,
    try_cast(HasResponded as boolean) as has_responded,
    try_cast(FirstRespondedDate as date) as first_responded_date,
    try_cast(CreatedDate as timestamptz) as created_at,
    coalesce(try_cast(IsDeleted as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_salesforce.CampaignMember
