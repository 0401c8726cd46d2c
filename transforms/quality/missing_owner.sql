-- Question: which records belong to nobody we know?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: deleted records, and those whose team is known all the same (a file may give it); sources of which we know no
--           people at all (unmapped_owner)
with records as (
    select 'opportunity' as object, opportunity_id as record_id, source_id, owner_id, team_id
    from core.opportunity
    where not is_deleted
    union all
    select 'lead', lead_id, source_id, owner_id, team_id from core.lead where not is_deleted
    union all
    select 'ticket', ticket_id, source_id, owner_id, team_id from core.ticket where not is_deleted
)

select
    r.object,
    'owner_id' as field,
    r.source_id,
    count(*) filter (where u.user_id is null and r.team_id is null) as failing_rows,
    count(*) as total_rows,
    min(r.record_id, 5) filter (where u.user_id is null and r.team_id is null) as sample_ids
from records as r
semi join core.app_user as k on k.source_id = r.source_id
left join core.app_user as u on u.user_id = r.owner_id
group by r.object, r.source_id
