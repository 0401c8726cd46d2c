-- HubSpot products records, as they are
-- Grain:    one row per product_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || id as product_id,
    nullif(cast(id as varchar), '') as native_id,
    nullif(cast(name as varchar), '') as name,
    nullif(cast(hs_product_type as varchar), '') as family,
    hs_cost_of_goods_sold as unit_cost_native,
    coalesce(try_cast(archived as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_hubspot.products
