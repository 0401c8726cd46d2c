-- HubSpot line_items records, as they are
-- Grain:    one row per line_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || id as line_id,
    nullif(cast(id as varchar), '') as native_id,
    _source_id || ':' || cast(try_cast(hs_product_id as hugeint) as varchar) as product_id,
    try_cast(quantity as double) as quantity,
    price as unit_price_native,
    amount as amount_native,
    nullif(cast(hs_line_item_currency_code as varchar), '') as currency_code,
    nullif(cast(hs_recurring_billing_period as varchar), '') as recurring_period,
    coalesce(try_cast(archived as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_hubspot.line_items
