-- Question: did each user log in during each week?
-- Grain:    one row per licensed human user and ISO week
-- Excludes: weeks before the first known log-in (nobody recorded them) and the unfinished week
with week as (
    select
        source_id,
        cast(unnest(generate_series(
            date_trunc('week', min(login_at) at time zone $timezone) + interval 7 day,
            date_trunc('week', cast($as_of as timestamptz) at time zone $timezone) - interval 7 day,
            interval 7 day
        )) as date) as week_start
    from core.login_event
    group by source_id
),

licensed as (
    select
        u.user_id,
        u.team_id,
        u.source_id,
        w.week_start
    from core.app_user as u
    join week as w
        on u.source_id = w.source_id
        and u.provisioned_at < timezone($timezone, cast(w.week_start + 7 as timestamp))
        and (u.deactivated_at is null or u.deactivated_at >= timezone($timezone, cast(w.week_start as timestamp)))
    where u.is_human and u.is_licensed
),

worked as (
    select
        user_id,
        cast(date_trunc('week', activity_date) as date) as week_start,
        bool_or(is_logged_in) as measured
    from core.user_day
    group by all
)

select
    l.user_id || '|' || l.week_start as unit_id,
    timezone($timezone, cast(l.week_start as timestamp)) as event_at,
    l.user_id as owner_id,
    l.team_id,
    cast(case when coalesce(d.measured, false) then 1.0 else 0.0 end as double) as num,
    cast(1.0 as double) as den,
    true as observed,
    l.source_id
from licensed as l
left join worked as d using (user_id, week_start)
