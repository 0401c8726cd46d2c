-- Question: which solved requests were opened again within $h_days days?
-- Grain:    one row per closing of a request, at the moment it was closed
-- Excludes: deleted and merged requests; closings younger than that are not observed yet
with status_change as (
    select
        ticket_id,
        seq,
        status,
        entered_at,
        min(case when status <> 'closed' then entered_at end) over (
            partition by ticket_id order by seq rows between 1 following and unbounded following
        ) as reopened_at
    from core.ticket_status_history
)

select
    c.ticket_id || '|' || c.seq as unit_id,
    c.entered_at as event_at,
    t.owner_id,
    t.team_id,
    cast(case when c.reopened_at < c.entered_at + to_days(cast($h_days as integer)) then 1.0 else 0.0 end as double) as num,
    cast(1.0 as double) as den,
    c.entered_at + to_days(cast($h_days as integer)) <= $as_of as observed,
    t.source_id
from status_change as c
join core.ticket as t using (ticket_id)
where c.status = 'closed' and t.is_countable and not t.is_deleted and c.entered_at < $as_of
