-- Question: did each licensed person use the CRM on at least $min_days days of each week? ($counted login or core_action)
-- Grain:    one row per user_id and whole week they held a licence, from the first week with records of it
-- Excludes: integration users; changes by workflows and imports; weeks that began before log-ins were kept (Salesforce six
--           months, HubSpot 90 days) where they count; the running week
with sources as (
    select
        source_id,
        case when $counted = 'login' then login_history_available_from else history_available_from end as first_day
    from core.source_instance
),

weeks as (
    select s.source_id, cast(w.monday as date) as monday
    from sources as s
    cross join lateral (
        select unnest(generate_series(
            date_trunc('week', cast(s.first_day as timestamp) + interval 6 day),
            timezone($timezone, $as_of) - interval 7 day,
            interval 7 day
        )) as monday
    ) as w
    where s.first_day is not null
),

members as (
    select
        u.user_id, u.source_id, u.team_id, u.role_name, u.provisioned_at,
        cast(timezone($timezone, u.provisioned_at) as date) as first_day,
        coalesce(cast(timezone($timezone, u.deactivated_at) as date), date '9999-12-31') as last_day
    from core.app_user as u
    where u.is_human and u.is_licensed
),

used as (
    select
        user_id, cast(date_trunc('week', activity_date) as date) as monday,
        count(*) filter (where case when $counted = 'login' then is_logged_in else core_actions > 0 end) >= $min_days as is_active
    from core.user_day
    group by all
)

select
    m.user_id || '|' || w.monday as unit_id,
    timezone($timezone, cast(w.monday as timestamp)) as event_at,
    m.user_id as owner_id,
    m.team_id,
    case when d.is_active then 1.0 else 0.0 end as num,
    1.0 as den,
    true as observed,
    m.source_id,
    m.provisioned_at,
    m.role_name
from weeks as w
inner join members as m
    on m.source_id = w.source_id and m.first_day <= w.monday and m.last_day >= w.monday + 7
left join used as d on d.user_id = m.user_id and d.monday = w.monday
