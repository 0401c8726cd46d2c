-- HubSpot exchange rates of the account, as they are
-- Grain:    one row per rate_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || id as rate_id,
    nullif(cast(fromCurrencyCode as varchar), '') as from_currency_code,
    nullif(cast(toCurrencyCode as varchar), '') as to_currency_code,
    try_cast(conversionRate as double) as conversion_rate,
    try_cast(effectiveAt as timestamptz) as effective_at,
    coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_hubspot.exchange_rates
