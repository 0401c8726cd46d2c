-- Salesforce Product2 records, as they are
-- Grain:    one row per product_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || Id as product_id,
    Id as native_id,
    Name as name,
    Family as family,
    Unit_Cost__c as unit_cost_native,
    CurrencyIsoCode as currency_code,
    coalesce(try_cast(IsDeleted as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_salesforce.Product2
