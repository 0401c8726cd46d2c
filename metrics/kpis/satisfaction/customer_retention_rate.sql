-- Question: did each customer that had bought in the $active_days days before a month buy again within $h_days days?
-- Grain:    one row per customer and local month it was active at the start of; observed once that time is over
-- Excludes: months before the first whole one with purchases. A company in both CRMs with one web domain is one customer
with months as (
    select cast(m.month as date) as month, timezone($timezone, m.month) as start_at
    from generate_series(
        date_trunc('month', timezone($timezone, (select min(occurred_at) from core.customer_transaction))) + interval 1 month,
        timezone($timezone, $as_of),
        interval 1 month
    ) as m(month)
),

purchases as (
    select
        coalesce(nullif(a.domain, ''), t.account_id) as customer, t.account_id, a.owner_id, t.occurred_at,
        lead(t.occurred_at) over (
            partition by coalesce(nullif(a.domain, ''), t.account_id) order by t.occurred_at, t.transaction_id
        ) as next_at
    from core.customer_transaction as t
    left join core.account as a on a.account_id = t.account_id
    where t.occurred_at <= $as_of
),

active as (
    -- the last purchase before each month
    select p.customer, m.month, m.start_at, p.account_id, p.owner_id, p.next_at
    from months as m
    inner join purchases as p
        on p.occurred_at < m.start_at and coalesce(p.next_at >= m.start_at, true)
        and p.occurred_at >= m.start_at - to_days(cast($active_days as integer))
    qualify row_number() over (partition by p.customer, m.month order by p.occurred_at desc, p.account_id) = 1
)

select
    a.customer || '|' || a.month as unit_id,
    a.start_at as event_at,
    a.owner_id,
    cast(null as varchar) as team_id,
    case when a.next_at < a.start_at + to_days(cast($h_days as integer)) then 1.0 else 0.0 end as num,
    1.0 as den,
    a.start_at + to_days(cast($h_days as integer)) <= $as_of as observed,
    a.account_id
from active as a
