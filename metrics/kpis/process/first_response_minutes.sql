-- Question: how long did each ticket wait for the first answer of a person?
-- Grain:    one row per ticket_id; observed once it was answered
-- Excludes: deleted and merged tickets; those whose times are known by days only
select
    ticket_id as unit_id,
    created_at as event_at,
    initial_owner_id as owner_id,
    team_id,
    epoch(coalesce(first_response_at, greatest(coalesce(closed_at, $as_of), created_at)) - created_at) / 60.0 as num,
    1.0 as den,
    first_response_at is not null as observed,
    source_id,
    account_id,
    priority,
    category,
    channel
from core.ticket
where is_countable and not is_deleted and first_response_basis is distinct from 'legacy_day' and created_at <= $as_of and coalesce(first_response_at between created_at and $as_of, true)
