-- Question: which records belong to nobody we know?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: deleted records, and those whose team is known all the same (a file may give it)
select
    'opportunity' as object,
    'owner_id' as field,
    r.source_id,
    count(*) filter (where u.user_id is null and r.team_id is null) as failing_rows,
    count(*) as total_rows,
    min(r.opportunity_id, 5) filter (where u.user_id is null and r.team_id is null) as sample_ids
from core.opportunity as r
left join core.app_user as u on u.user_id = r.owner_id
where not r.is_deleted
group by r.source_id
union all
select
    'lead' as object,
    'owner_id' as field,
    r.source_id,
    count(*) filter (where u.user_id is null and r.team_id is null) as failing_rows,
    count(*) as total_rows,
    min(r.lead_id, 5) filter (where u.user_id is null and r.team_id is null) as sample_ids
from core.lead as r
left join core.app_user as u on u.user_id = r.owner_id
where not r.is_deleted
group by r.source_id
union all
select
    'ticket' as object,
    'owner_id' as field,
    r.source_id,
    count(*) filter (where u.user_id is null and r.team_id is null) as failing_rows,
    count(*) as total_rows,
    min(r.ticket_id, 5) filter (where u.user_id is null and r.team_id is null) as sample_ids
from core.ticket as r
left join core.app_user as u on u.user_id = r.owner_id
where not r.is_deleted
group by r.source_id
