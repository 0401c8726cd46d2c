-- Question: how long did each lead wait for a person?
-- Grain:    one row per lead, at the moment it became a lead
-- Excludes: deleted and merged leads; a lead nobody answered is censored when it was given up, or today
select
    lead_id as unit_id,
    created_at as event_at,
    owner_id,
    team_id,
    cast(epoch(coalesce(first_touch_at, disqualified_at, $as_of) - created_at) / 60 as double) as num,
    cast(1.0 as double) as den,
    first_touch_at is not null as observed,
    source_id
from core.lead
where
    not is_deleted and merged_into_id is null and created_at < $as_of
    and coalesce(first_touch_at, disqualified_at, $as_of) >= created_at
