-- Question: what margin did each customer bring in the $active_days days before each month?
-- Grain:    one row per customer and local month it was active at the start of
-- Excludes: months before a year of purchases is known. Where no cost is known, the margin is $margin_share of the amount.
--           A company in both CRMs with one web domain is one customer
with months as (
    select cast(m.month as date) as month, timezone($timezone, m.month) as start_at
    from generate_series(
        date_trunc('month', timezone($timezone, (select min(occurred_at) from core.customer_transaction)))
        + to_days(cast($active_days as integer)) + interval 1 month,
        timezone($timezone, $as_of),
        interval 1 month
    ) as s(day)
    cross join lateral (select date_trunc('month', s.day) as month) as m
),

purchases as (
    select
        coalesce(nullif(a.domain, ''), t.account_id) as customer, t.account_id, t.occurred_at,
        coalesce(t.gross_margin_base, cast(cast(t.amount_base as double) * $margin_share as decimal(38, 2))) as margin_base
    from core.customer_transaction as t
    left join core.account as a on a.account_id = t.account_id
)

select
    p.customer || '|' || m.month as unit_id,
    any_value(m.start_at) as event_at,
    cast(null as varchar) as owner_id,
    cast(null as varchar) as team_id,
    cast(sum(p.margin_base) as double) as num,
    1.0 as den,
    true as observed,
    min(p.account_id) as account_id
from months as m
inner join purchases as p
    on p.occurred_at < m.start_at and p.occurred_at >= m.start_at - to_hours(24 * cast($active_days as integer))
group by p.customer, m.month
