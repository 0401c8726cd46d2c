-- Question: how many requests did each active customer send in each local month?
-- Grain:    one row per customer and whole local month at whose end it had bought within $active_days days
-- Excludes: deleted and merged tickets; the running month; months in which fewer than $min_linked_share of the requests
--           name a company. A company in both CRMs with one web domain is one customer
with months as (
    select
        cast(m.month as date) as month, timezone($timezone, m.month) as start_at,
        timezone($timezone, m.month + interval 1 month) as end_at
    from generate_series(
        date_trunc('month', timezone($timezone, (select min(occurred_at) from core.customer_transaction))),
        timezone($timezone, $as_of) - interval 1 month,
        interval 1 month
    ) as m(month)
),

purchases as (
    select
        coalesce(nullif(a.domain, ''), t.account_id) as customer, t.account_id, t.occurred_at,
        lead(t.occurred_at) over (
            partition by coalesce(nullif(a.domain, ''), t.account_id) order by t.occurred_at, t.transaction_id
        ) as next_at
    from core.customer_transaction as t
    left join core.account as a on a.account_id = t.account_id
    where t.occurred_at <= $as_of
),

active as (
    select p.customer, m.month, m.start_at, p.account_id
    from months as m
    inner join purchases as p
        on p.occurred_at < m.end_at and coalesce(p.next_at >= m.end_at, true)
        and p.occurred_at >= m.end_at - to_hours(24 * cast($active_days as integer))
    qualify row_number() over (partition by p.customer, m.month order by p.occurred_at desc, p.account_id) = 1
),

tickets as (
    -- the company is that of the ticket, else that of who wrote it
    select
        coalesce(nullif(a.domain, ''), t.account_id, c.account_id) as customer,
        cast(date_trunc('month', timezone($timezone, t.created_at)) as date) as month
    from core.ticket as t
    left join core.contact as c on c.contact_id = t.contact_id
    left join core.account as a on a.account_id = coalesce(t.account_id, c.account_id)
    where t.is_countable and not t.is_deleted
),

linked as (
    -- where requests do not say whose they are, nobody knows how many a customer sent
    select month
    from tickets
    group by month
    having count(customer) >= $min_linked_share * count(*)
),

requests as (
    select customer, month, count(*) as tickets from tickets where customer is not null group by all
)

select
    a.customer || '|' || a.month as unit_id,
    a.start_at as event_at,
    cast(null as varchar) as owner_id,
    cast(null as varchar) as team_id,
    100.0 * coalesce(r.tickets, 0) as num,
    1.0 as den,
    true as observed,
    a.account_id
from active as a
inner join linked as l on l.month = a.month
left join requests as r on r.customer = a.customer and r.month = a.month
