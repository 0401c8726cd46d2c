-- Question: was each lead converted within its first $h_days days?
-- Grain:    one row per lead_id; observed once it is that old
-- Excludes: deleted and merged leads; Pipedrive's, which forgets those that were converted
select
    lead_id as unit_id,
    created_at as event_at,
    initial_owner_id as owner_id,
    team_id,
    case when converted_at < created_at + to_hours(24 * cast($h_days as integer)) then 1.0 else 0.0 end as num,
    1.0 as den,
    created_at + to_hours(24 * cast($h_days as integer)) <= $as_of as observed,
    source_id,
    source_channel
from core.lead
where not is_deleted and merged_into_id is null and lead_basis is distinct from 'pd_lead' and created_at <= $as_of
