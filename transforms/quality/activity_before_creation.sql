-- Question: which deals were worked on before they existed?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: deleted deals and activities, deals without activities, a day's grace. An import that keeps the old activities
--           but stamps the deals with the day of loading looks like this
with begun as (
    select opportunity_id, min(occurred_at) as first_at
    from core.activity
    where opportunity_id is not null and not is_deleted and is_completed
    group by opportunity_id
)

select
    'opportunity' as object,
    'created_at' as field,
    o.source_id,
    count(*) filter (where b.first_at < o.created_at - interval 1 day) as failing_rows,
    count(*) as total_rows,
    min(o.opportunity_id, 5) filter (where b.first_at < o.created_at - interval 1 day) as sample_ids
from core.opportunity as o
inner join begun as b using (opportunity_id)
where not o.is_deleted
group by o.source_id
