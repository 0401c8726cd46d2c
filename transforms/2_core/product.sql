-- Question: what is sold?
-- Grain:    one row per product_id
-- Excludes: nothing
select product_id, source_id, native_id, name, family, cast(null as decimal(18, 4)) as unit_cost_base, is_deleted
from staging.salesforce_product
union all
select product_id, source_id, native_id, name, family, unit_cost_native, is_deleted
from staging.hubspot_products
union all
select product_id, source_id, native_id, name, family, null, is_deleted
from staging.pipedrive_products
