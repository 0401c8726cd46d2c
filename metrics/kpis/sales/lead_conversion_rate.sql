-- Question: which leads became a deal within $h_days days?
-- Grain:    one row per lead, at the moment it became a lead
-- Excludes: deleted and merged leads; leads younger than that are not observed yet
select
    lead_id as unit_id,
    created_at as event_at,
    owner_id,
    team_id,
    cast(case when converted_at < created_at + to_days(cast($h_days as integer)) then 1.0 else 0.0 end as double) as num,
    cast(1.0 as double) as den,
    created_at + to_days(cast($h_days as integer)) <= $as_of as observed,
    source_id
from core.lead
where not is_deleted and merged_into_id is null and created_at < $as_of
