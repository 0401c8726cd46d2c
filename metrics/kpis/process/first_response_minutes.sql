-- Question: how long did each request wait for the first answer of a person?
-- Grain:    one row per request, at the moment it came in
-- Excludes: deleted and merged requests; one without an answer is censored when it was closed, or today
select
    ticket_id as unit_id,
    created_at as event_at,
    owner_id,
    team_id,
    cast(epoch(coalesce(first_response_at, closed_at, $as_of) - created_at) / 60 as double) as num,
    cast(1.0 as double) as den,
    first_response_at is not null as observed,
    source_id
from core.ticket
where
    is_countable and not is_deleted and created_at < $as_of
    and coalesce(first_response_at, closed_at, $as_of) >= created_at
