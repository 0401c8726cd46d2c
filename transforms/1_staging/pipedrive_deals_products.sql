-- Pipedrive deals_products records, as they are
-- Grain:    one row per line_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || id as line_id,
    id as native_id,
    _source_id || ':' || deal_id as opportunity_id,
    _source_id || ':' || product_id as product_id,
    try_cast(quantity as double) as quantity,
    item_price as unit_price_native,
    "sum" as amount_native,
    coalesce(_deleted, false) as is_deleted
from raw_pipedrive.deals_products
