-- Question: did one user create a fifth of all records, nearly all of them within a fortnight's days?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: deleted records, objects with fewer than 50 records or less than half a year of them. A migration that took
--           longer than a day, which migration_stamp does not see; people and integrations that work the year round.
--           Days are Greenwich's: no figure hangs on them
with records as (
    select 'opportunity' as object, source_id, created_by_id as creator, created_at
    from staging.salesforce_opportunity
    where not is_deleted
    union all
    select 'lead', source_id, created_by_id, created_at from staging.salesforce_lead where not is_deleted
    union all
    select 'ticket', source_id, created_by_id, created_at from staging.salesforce_case where not is_deleted
    union all
    select 'opportunity', source_id, created_by_user_native_id, created_at from staging.hubspot_deals where not is_deleted
    union all
    select 'lead', source_id, created_by_user_native_id, created_at from staging.hubspot_leads where not is_deleted
),

days as (
    select object, source_id, creator, epoch_us(created_at) // 86400000000 as day, count(*) as n
    from records
    where created_at is not null
    group by all
),

ranked as (
    select
        object, source_id, creator, n,
        row_number() over (partition by object, source_id, creator order by n desc, day) as place,
        sum(n) over (partition by object, source_id, creator) as by_creator,
        sum(n) over (partition by object, source_id) as in_all,
        max(day) over (partition by object, source_id) - min(day) over (partition by object, source_id) as span_days
    from days
),

creators as (
    select
        object, source_id, creator, any_value(in_all) as in_all, any_value(by_creator) as by_creator,
        sum(n) filter (where place <= 14) as in_a_fortnight, any_value(span_days) as span_days
    from ranked
    group by object, source_id, creator
),

judged as (
    select
        object, source_id, creator, in_all, in_a_fortnight,
        creator is not null and in_all >= 50 and span_days >= 180 and by_creator > 0.2 * in_all
        and in_a_fortnight > 0.8 * by_creator as is_migration
    from creators
)

select
    object,
    'created_at' as field,
    source_id,
    cast(coalesce(sum(in_a_fortnight) filter (where is_migration), 0) as bigint) as failing_rows,
    cast(any_value(in_all) as bigint) as total_rows,
    min(creator, 5) filter (where is_migration) as sample_ids
from judged
group by object, source_id
