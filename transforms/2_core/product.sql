-- Question: what is sold, and what does one cost us?
-- Grain:    one row per product_id
-- Excludes: nothing. HubSpot's cost is in the account's currency
with products as (
    select
        product_id, source_id, native_id, name, family, unit_cost_native, coalesce(currency_code, $base_currency) as currency_code,
        is_deleted
    from staging.salesforce_product
    union all by name
    select product_id, source_id, native_id, name, family, unit_cost_native, $base_currency as currency_code, is_deleted
    from staging.hubspot_products
    union all by name
    select product_id, source_id, native_id, name, family, is_deleted from staging.pipedrive_products
)

select
    p.product_id,
    p.source_id,
    p.native_id,
    p.name,
    p.family,
    cast(p.unit_cost_native * r.rate_to_base as decimal(38, 4)) as unit_cost_base,
    p.is_deleted
from products as p
left join core.fx_rate as r
    on r.source_id = p.source_id
    and r.currency_code = p.currency_code
    and r.valid_from <= cast($as_of as date)
    and r.valid_to > cast($as_of as date)
