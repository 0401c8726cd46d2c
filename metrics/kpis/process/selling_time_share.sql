-- Question: how many hours of each week did each seller log with customers?
-- Grain:    one row per user_id and whole local week with work in the CRM and a call or meeting in the four weeks around it
-- Excludes: integration users; automatic, unfinished and deleted activities; calls and meetings about no customer; the
--           running week; people who log no calls or meetings at all, whose time nobody knows
with conversations as (
    select owner_id, occurred_at, duration_s
    from core.activity
    where type in ('call', 'meeting') and is_completed and not is_automated and not is_deleted
        and coalesce(account_id, opportunity_id, lead_id, contact_id) is not null
    union all
    select owner_id, occurred_at, duration_s
    from core.meeting_attendance
    where is_completed and not is_deleted and is_with_customer
),

talks as (
    select
        owner_id, cast(date_trunc('week', timezone($timezone, occurred_at)) as date) as monday,
        sum(duration_s) / 3600.0 as hours
    from conversations
    where duration_s is not null and occurred_at < $as_of
    group by all
),

worked as (
    select distinct user_id, cast(date_trunc('week', activity_date) as date) as monday from core.user_day
),

loggers as (
    select w.user_id, w.monday, max(t.hours) filter (where t.monday = w.monday) as hours
    from worked as w
    inner join talks as t on t.owner_id = w.user_id and t.monday between w.monday - 14 and w.monday + 14
    group by all
)

select
    l.user_id || '|' || l.monday as unit_id,
    timezone($timezone, cast(l.monday as timestamp)) as event_at,
    l.user_id as owner_id,
    u.team_id,
    coalesce(l.hours, 0.0) as num,
    cast($week_hours as double) as den,
    true as observed,
    u.source_id,
    u.provisioned_at,
    u.role_name
from loggers as l
inner join core.app_user as u on u.user_id = l.user_id
where u.is_human and timezone($timezone, cast(l.monday + 7 as timestamp)) <= $as_of
