-- Question: what was in each deal?
-- Grain:    one row per line_id
-- Excludes: nothing; a line is worth its deal's exchange rate
with hubspot_deals as (
    select from_id as line_id, min(to_id) as opportunity_id
    from staging.hubspot_association
    where from_object = 'line_items' and to_object = 'deals'
    group by all
),

lines as (
    select
        line_id, source_id, native_id, opportunity_id, product_id, quantity, unit_price_native, amount_native,
        null as recurring_period, is_deleted
    from staging.salesforce_opportunity_line_item
    union all
    select
        l.line_id, l.source_id, l.native_id, d.opportunity_id, l.product_id, l.quantity, l.unit_price_native,
        l.amount_native, l.recurring_period, l.is_deleted
    from staging.hubspot_line_items as l
    left join hubspot_deals as d using (line_id)
    union all
    select
        line_id, source_id, native_id, opportunity_id, product_id, quantity, unit_price_native, amount_native, null,
        is_deleted
    from staging.pipedrive_deals_products
)

select
    l.line_id,
    l.source_id,
    l.native_id,
    l.opportunity_id,
    l.product_id,
    l.quantity,
    cast(l.unit_price_native as decimal(38, 4)) as unit_price_native,
    cast(l.amount_native as decimal(38, 2)) as amount_native,
    o.currency_code,
    case
        when o.fx_rate_to_base = 1 then cast(l.amount_native as decimal(38, 2))
        else cast(l.amount_native * o.fx_rate_to_base as decimal(38, 2))
    end as amount_base,
    case regexp_extract(l.recurring_period, '^P(\d+)([MY])$', 2)
        when 'M' then cast(regexp_extract(l.recurring_period, '\d+') as integer)
        when 'Y' then 12 * cast(regexp_extract(l.recurring_period, '\d+') as integer)
    end as recurring_months,
    l.is_deleted
from lines as l
left join core.opportunity as o using (opportunity_id)
