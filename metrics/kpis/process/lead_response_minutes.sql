-- Question: how long did each lead wait for the first answer?
-- Grain:    one row per lead_id; observed once somebody got in touch
-- Excludes: deleted and merged leads; Pipedrive's, which forgets those that were converted; those known by days only
select
    lead_id as unit_id,
    created_at as event_at,
    initial_owner_id as owner_id,
    team_id,
    epoch(coalesce(first_touch_at, greatest(coalesce(disqualified_at, $as_of), created_at)) - created_at) / 60.0 as num,
    1.0 as den,
    first_touch_at is not null as observed,
    source_id,
    source_channel
from core.lead
where not is_deleted and merged_into_id is null and lead_basis is distinct from 'pd_lead' and first_touch_basis is distinct from 'legacy_day' and created_at <= $as_of and coalesce(first_touch_at <= $as_of, true)
