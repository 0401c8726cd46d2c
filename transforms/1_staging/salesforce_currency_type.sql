-- Salesforce CurrencyType records, as they are
-- Grain:    one row per currency_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || Id as currency_id,
    Id as native_id,
    IsoCode as currency_code,
    try_cast(ConversionRate as double) as units_per_corporate,
    try_cast(IsCorporate as boolean) as is_corporate,
    coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_salesforce.CurrencyType
