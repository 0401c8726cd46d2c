-- Question: how large is each won deal?
-- Grain:    one row per won deal with an amount, at the moment it was won
-- Excludes: deals without an amount; deleted, merged, duplicate, test and negative ones
select
    opportunity_id as unit_id,
    closed_at as event_at,
    owner_id,
    team_id,
    cast(amount_base as double) as num,
    cast(1.0 as double) as den,
    true as observed,
    source_id
from core.opportunity
where amount_base > 0 and status = 'won' and is_countable and not is_deleted and closed_at < $as_of
