-- Salesforce OpportunityLineItem records, as they are
-- Grain:    one row per line_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || Id as line_id,
    Id as native_id,
    _source_id || ':' || OpportunityId as opportunity_id,
    _source_id || ':' || Product2Id as product_id,
    try_cast(Quantity as double) as quantity,
    UnitPrice as unit_price_native,
    TotalPrice as amount_native,
    coalesce(try_cast(IsDeleted as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_salesforce.OpportunityLineItem
