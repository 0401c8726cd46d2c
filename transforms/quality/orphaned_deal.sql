-- Question: whose records belong to people who are no longer with the company?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: closed and deleted deals, owners we do not know (missing_owner finds them)
select
    'opportunity' as object,
    'owner_id' as field,
    o.source_id,
    count(*) filter (where not u.is_active) as failing_rows,
    count(*) as total_rows,
    min(o.opportunity_id, 5) filter (where not u.is_active) as sample_ids
from core.opportunity as o
inner join core.app_user as u on u.user_id = o.owner_id
where o.status = 'open' and not o.is_deleted and o.is_countable
group by o.source_id
