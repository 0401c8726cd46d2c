-- Question: do many records carry the moment of an import instead of their own beginning?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: deleted records, objects with fewer than 50 records
with records as (
    select 'opportunity' as object, source_id, opportunity_id as record_id, created_at, date_trunc('minute', created_at) as minute,
        cast(timezone($timezone, created_at) as date) as day
    from core.opportunity
    where not is_deleted and created_at is not null
    union all
    select 'lead' as object, source_id, lead_id as record_id, created_at, date_trunc('minute', created_at) as minute,
        cast(timezone($timezone, created_at) as date) as day
    from core.lead
    where not is_deleted and created_at is not null
    union all
    select 'ticket' as object, source_id, ticket_id as record_id, created_at, date_trunc('minute', created_at) as minute,
        cast(timezone($timezone, created_at) as date) as day
    from core.ticket
    where not is_deleted and created_at is not null
),

files as (
    select source_id from core.source_instance where system in ('legacy', 'survey', 'manual')
),

crowded as (
    -- created in one minute, or on one day, with far more others than on the busiest ordinary days
    select
        object, source_id, record_id,
        -- a day of a file has no minute
        case
            when cast(timezone($timezone, minute) as time) <> time '00:00' or source_id not in (select source_id from files)
                then count(*) over (partition by object, source_id, minute)
            else 0
        end as in_minute,
        count(*) over (partition by object, source_id, day) as in_day,
        count(*) over (partition by object, source_id) as in_all
    from records
)

select
    object,
    'created_at' as field,
    source_id,
    count(*) filter (where in_all >= 50 and (in_minute > greatest(20, 0.02 * in_all) or in_day > 0.2 * in_all)) as failing_rows,
    count(*) as total_rows,
    min(record_id, 5) filter (
        where in_all >= 50 and (in_minute > greatest(20, 0.02 * in_all) or in_day > 0.2 * in_all)
    ) as sample_ids
from crowded
group by object, source_id
