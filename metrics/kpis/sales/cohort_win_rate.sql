-- Question: which deals were won within $h_days days of being opened?
-- Grain:    one row per deal, at the moment it was opened
-- Excludes: deleted, merged, duplicate, test and negative deals; deals younger than that are not observed yet
select
    opportunity_id as unit_id,
    created_at as event_at,
    owner_id,
    team_id,
    cast(case when status = 'won' and closed_at < created_at + to_days(cast($h_days as integer)) then 1.0 else 0.0 end as double) as num,
    cast(1.0 as double) as den,
    created_at + to_days(cast($h_days as integer)) <= $as_of as observed,
    source_id
from core.opportunity
where is_countable and not is_deleted and created_at < $as_of
