-- Question: did each customer that was active $h_days days before a month buy again since?
-- Grain:    one row per customer and local month $h_days days before whose start it had bought in the last $active_days days
-- Excludes: months too early to look back that far. A company in both CRMs with one web domain is one customer
with first_purchase as (
    select timezone($timezone, min(occurred_at)) + to_days(cast($h_days as integer)) as first_end
    from core.customer_transaction
),

months as (
    select
        cast(m.month as date) as month, timezone($timezone, m.month) as end_at,
        timezone($timezone, m.month) - to_days(cast($h_days as integer)) as start_at
    from generate_series(
        date_trunc('month', (select first_end from first_purchase)) + interval 1 month,
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
    -- the last purchase before the time looked at
    select p.customer, m.month, m.end_at, p.account_id, p.owner_id, p.next_at
    from months as m
    inner join purchases as p
        on p.occurred_at < m.start_at and coalesce(p.next_at >= m.start_at, true)
        and p.occurred_at >= m.start_at - to_hours(24 * cast($active_days as integer))
    qualify row_number() over (partition by p.customer, m.month order by p.occurred_at desc, p.account_id) = 1
)

select
    a.customer || '|' || a.month as unit_id,
    a.end_at as event_at,
    a.owner_id,
    cast(null as varchar) as team_id,
    case when a.next_at < a.end_at then 1.0 else 0.0 end as num,
    1.0 as den,
    true as observed,
    a.account_id
from active as a
