-- Question: which tickets were open at the end of each week?
-- Grain:    one row per ticket_id and week end it was open at
-- Excludes: deleted and merged tickets; times a ticket was closed in between and opened again; weeks in a break of more
--           than a year in which no ticket was recorded
with weeks as (
    select cast(w.monday as date) as monday, timezone($timezone, w.monday + interval 7 day) - interval 1 microsecond as end_at
    from generate_series(
        date_trunc('week', timezone($timezone, (select min(created_at) from core.ticket))),
        timezone($timezone, $as_of) - interval 7 day,
        interval 7 day
    ) as w(monday)
    where coalesce((
        select bool_or(r.is_newest or r.last_day >= w.monday) from core.recorded_run as r
        where r.object = 'ticket' and r.first_day <= w.monday + interval 6 day
    ), true)
)

select
    t.ticket_id || '|' || w.monday as unit_id,
    w.end_at as event_at,
    t.initial_owner_id as owner_id,
    t.team_id,
    1.0 as num,
    1.0 as den,
    true as observed,
    t.source_id,
    t.account_id,
    t.priority,
    t.category,
    t.channel
from core.ticket as t
inner join weeks as w on w.end_at >= t.created_at and w.end_at < coalesce(t.closed_at, $as_of)
where t.is_countable and not t.is_deleted
