-- Question: how long did each deal take to be won?
-- Grain:    one row per deal, at the moment it was opened
-- Excludes: deals closed before they were opened (a data-quality finding); deleted, merged, duplicate, test and negative ones
select
    opportunity_id as unit_id,
    created_at as event_at,
    owner_id,
    team_id,
    cast(epoch(case when status = 'open' then $as_of else closed_at end - created_at) / 86400 as double) as num,
    cast(1.0 as double) as den,
    status = 'won' as observed,
    source_id
from core.opportunity
where is_countable and not is_deleted and created_at < $as_of and coalesce(closed_at >= created_at, status = 'open')
