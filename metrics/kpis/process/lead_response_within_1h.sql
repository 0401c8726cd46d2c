-- Question: which leads heard from a person within $sla_minutes minutes?
-- Grain:    one row per lead, at the moment it became a lead
-- Excludes: deleted and merged leads; leads younger than that are not observed yet
select
    lead_id as unit_id,
    created_at as event_at,
    owner_id,
    team_id,
    cast(case when first_touch_at <= created_at + to_minutes(cast($sla_minutes as integer)) then 1.0 else 0.0 end as double) as num,
    cast(1.0 as double) as den,
    created_at + to_minutes(cast($sla_minutes as integer)) <= $as_of as observed,
    source_id
from core.lead
where not is_deleted and merged_into_id is null and created_at < $as_of
