-- Question: how often, how lately and for how much has each customer bought?
-- Grain:    one row per customer with a purchase
-- Excludes: renewals by contract. Purchases of one local day are one; the first is no repeat. Where no cost is known, the
--           margin is $margin_share of the amount. A company in both CRMs with one web domain is one customer
with days as (
    select
        coalesce(nullif(a.domain, ''), t.account_id) as customer, t.account_id, a.segment, a.region, a.industry,
        cast(timezone($timezone, t.occurred_at) as date) as day,
        coalesce(t.gross_margin_base, cast(cast(t.amount_base as double) * $margin_share as decimal(38, 2))) as margin_base
    from core.customer_transaction as t
    left join core.account as a on a.account_id = t.account_id
    where t.occurred_at <= $as_of and t.amount_base > 0 and not coalesce(t.is_recurring, false)
),

purchases as (
    select
        customer, day, sum(margin_base) as margin_base, min(segment) as segment, min(region) as region,
        min(industry) as industry, row_number() over (partition by customer order by day) as place
    from days
    group by customer, day
)

select
    customer,
    cast(count(*) - 1 as double) as frequency,
    date_diff('day', min(day), max(day)) / 7.0 as recency,
    date_diff('day', min(day), cast(timezone($timezone, $as_of) as date)) / 7.0 as age,
    coalesce(cast(sum(margin_base) filter (where place > 1) as double) / nullif(count(*) - 1, 0), 0.0) as mean_margin,
    coalesce(min(segment), 'unknown') as account_segment,
    coalesce(min(region), 'unknown') as region,
    coalesce(min(industry), 'unknown') as industry
from purchases
group by customer
order by customer
