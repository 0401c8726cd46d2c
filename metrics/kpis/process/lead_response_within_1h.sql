-- Question: did each lead hear from us within $sla_minutes minutes?
-- Grain:    one row per lead_id; observed once that time is over
-- Excludes: deleted and merged leads; Pipedrive's, which forgets those that were converted; those known by days only
select
    lead_id as unit_id,
    created_at as event_at,
    initial_owner_id as owner_id,
    team_id,
    case when first_touch_at <= created_at + to_minutes(cast($sla_minutes as integer)) then 1.0 else 0.0 end as num,
    1.0 as den,
    created_at + to_minutes(cast($sla_minutes as integer)) <= $as_of as observed,
    source_id,
    source_channel
from core.lead
where not is_deleted and merged_into_id is null and lead_basis is distinct from 'pd_lead' and first_touch_basis is distinct from 'legacy_day' and created_at <= $as_of
