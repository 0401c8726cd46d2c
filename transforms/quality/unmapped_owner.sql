-- Question: which records belong to no team because nobody of their source is known?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: deleted records, sources of which we know people (missing_owner)
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
    count(*) filter (where r.team_id is null) as failing_rows,
    count(*) as total_rows,
    min(r.record_id, 5) filter (where r.team_id is null) as sample_ids
from records as r
anti join core.app_user as k on k.source_id = r.source_id
group by r.object, r.source_id
