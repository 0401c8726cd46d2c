-- Question: how much did each won deal bring?
-- Grain:    one row per won deal, at the moment it was won
-- Excludes: deleted, merged, duplicate, test and negative deals
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
where amount_base is not null and status = 'won' and is_countable and not is_deleted and closed_at < $as_of
