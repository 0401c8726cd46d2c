-- Question: how much pipeline did each new deal open?
-- Grain:    one row per deal, at the moment it was opened
-- Excludes: deals without an amount; deleted, merged, duplicate, test and negative ones
select
    opportunity_id as unit_id,
    created_at as event_at,
    owner_id,
    team_id,
    cast(amount_base as double) as num,
    cast(1.0 as double) as den,
    true as observed,
    source_id
from core.opportunity
where amount_base is not null and is_countable and not is_deleted and created_at < $as_of
