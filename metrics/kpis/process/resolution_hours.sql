-- Question: how long did each request take to be solved?
-- Grain:    one row per request, at the moment it came in
-- Excludes: deleted and merged requests; an open one is censored today
select
    ticket_id as unit_id,
    created_at as event_at,
    owner_id,
    team_id,
    cast(epoch(coalesce(closed_at, $as_of) - created_at) / 3600 as double) as num,
    cast(1.0 as double) as den,
    closed_at is not null as observed,
    source_id
from core.ticket
where is_countable and not is_deleted and created_at < $as_of and coalesce(closed_at, $as_of) >= created_at
