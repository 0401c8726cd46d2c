-- Salesforce DatedConversionRate records, as they are
-- Grain:    one row per rate_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || Id as rate_id,
    Id as native_id,
    IsoCode as currency_code,
    try_cast(StartDate as date) as valid_from,
    try_cast(NextStartDate as date) as valid_to,
    try_cast(ConversionRate as double) as units_per_corporate,
    coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_salesforce.DatedConversionRate
