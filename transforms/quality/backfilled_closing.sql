-- Question: were many records closed in one go instead of when they ended?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: deleted records, days without a time (close dates people typed, those of files), objects with fewer than 50
--           closed ones
with files as (
    select source_id from core.source_instance where system in ('legacy', 'survey', 'manual')
),

ended as (
    select 'opportunity' as object, source_id, opportunity_id as record_id, closed_at
    from core.opportunity
    where not is_deleted and status <> 'open' and close_basis <> 'close_date_field'
    union all
    select 'ticket', source_id, ticket_id, closed_at
    from core.ticket
    where not is_deleted and status = 'closed' and closed_at is not null
),

records as (
    select object, source_id, record_id, date_trunc('minute', closed_at) as minute
    from ended
    where source_id not in (select source_id from files)
        or cast(timezone($timezone, closed_at) as time) <> time '00:00'
),

crowded as (
    select
        object, source_id, record_id, count(*) over (partition by object, source_id, minute) as in_minute,
        count(*) over (partition by object, source_id) as in_all
    from records
)

select
    object,
    'closed_at' as field,
    source_id,
    count(*) filter (where in_all >= 50 and in_minute > greatest(20, 0.02 * in_all)) as failing_rows,
    count(*) as total_rows,
    min(record_id, 5) filter (where in_all >= 50 and in_minute > greatest(20, 0.02 * in_all)) as sample_ids
from crowded
group by object, source_id
