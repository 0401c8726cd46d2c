-- Question: did each closed ticket come back within $h_days days?
-- Grain:    one row per closing of a ticket; observed once that time is over
-- Excludes: deleted and merged tickets
with moves as (
    select
        ticket_id,
        seq,
        status,
        entered_at,
        lead(entered_at) over (partition by ticket_id order by seq) as next_at
    from core.ticket_status_history
)

select
    m.ticket_id || '|' || m.seq as unit_id,
    m.entered_at as event_at,
    t.initial_owner_id as owner_id,
    t.team_id,
    case when m.next_at < m.entered_at + to_hours(24 * cast($h_days as integer)) then 1.0 else 0.0 end as num,
    1.0 as den,
    m.entered_at + to_hours(24 * cast($h_days as integer)) <= $as_of as observed,
    t.source_id,
    t.account_id,
    t.priority,
    t.category,
    t.channel
from moves as m
inner join core.ticket as t using (ticket_id)
where m.status = 'closed' and t.is_countable and not t.is_deleted and m.entered_at <= $as_of
