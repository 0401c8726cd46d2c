-- Question: from when to when did records of a kind come without a break of more than a year?
-- Grain:    one row per source_id, object, first_day
-- Excludes: deleted records, days after the data
-- A lone record of 1995 (an import, a typing error) does not mean that a company recorded anything in the decades after it:
-- missing is not zero between two runs.
with moments as (
    select source_id, 'opportunity' as object, created_at as recorded_at from staging.salesforce_opportunity where not is_deleted
    union all
    select source_id, 'opportunity', created_at from staging.hubspot_deals where not is_deleted
    union all
    select source_id, 'opportunity', created_at from staging.pipedrive_deals where not is_deleted
    union all
    select source_id, 'opportunity', coalesce(created_at, timezone($timezone, cast(created_date as timestamp)))
    from staging.files_opportunity
    where not is_deleted
    union all
    select source_id, 'ticket', created_at from staging.salesforce_case where not is_deleted
    union all
    select source_id, 'ticket', created_at from staging.hubspot_tickets where not is_deleted
    union all
    select source_id, 'ticket', coalesce(created_at, timezone($timezone, cast(created_date as timestamp)))
    from staging.files_ticket
    where not is_deleted
    union all
    select source_id, 'login', login_at from staging.salesforce_login_history
    union all
    select source_id, 'login', login_at from staging.hubspot_login_activity
    union all
    select source_id, 'history', changed_at from staging.salesforce_opportunity_history
    union all
    select source_id, 'history', changed_at from staging.hubspot_property_change
    union all
    select source_id, 'history', changed_at from staging.pipedrive_deals_flow
),

quarter_hours as (
    -- asking the time zone for every record costs more than all else; clocks differ by quarters of an hour
    select source_id, object, epoch_us(recorded_at) // 900000000 as quarter_hour, count(*) as records
    from moments
    where recorded_at <= $as_of
    group by all
),

days as (
    select
        source_id, object, cast(timezone($timezone, make_timestamptz(quarter_hour * 900000000)) as date) as day,
        sum(records) as records
    from quarter_hours
    group by all
),

spaced as (
    select
        source_id, object, day, records,
        coalesce(day - lag(day) over (partition by source_id, object order by day) > 366, true) as is_start
    from days
),

numbered as (
    select
        source_id, object, day, records,
        count(*) filter (where is_start) over (partition by source_id, object order by day) as run
    from spaced
)

select
    source_id,
    object,
    min(day) as first_day,
    max(day) as last_day,
    run = max(run) over (partition by source_id, object) as is_newest,
    cast(sum(records) as bigint) as records
from numbered
group by source_id, object, run
