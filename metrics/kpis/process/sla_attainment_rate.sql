-- Question: was each promise of a first answer kept?
-- Grain:    one row per ticket_id with a promise that is decided or past due
-- Excludes: deleted and merged tickets
select
    ticket_id as unit_id,
    sla_first_response_due_at as event_at,
    initial_owner_id as owner_id,
    team_id,
    case when sla_first_response_met then 1.0 else 0.0 end as num,
    1.0 as den,
    true as observed,
    source_id,
    account_id,
    priority,
    category,
    channel
from core.ticket
where is_countable and not is_deleted and sla_first_response_due_at <= $as_of
