-- Question: which closed deals were won?
-- Grain:    one row per closed deal, at the moment it was closed
-- Excludes: open deals; deleted, merged, duplicate, test and negative ones
select
    opportunity_id as unit_id,
    closed_at as event_at,
    owner_id,
    team_id,
    cast(case when status = 'won' then 1.0 else 0.0 end as double) as num,
    cast(1.0 as double) as den,
    true as observed,
    source_id
from core.opportunity
where status in ('won', 'lost') and is_countable and not is_deleted and closed_at < $as_of
