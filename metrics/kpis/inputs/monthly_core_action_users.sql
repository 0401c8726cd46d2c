-- Question: who recorded work in each local month?
-- Grain:    one row per user_id and local month with a core action
-- Excludes: integration users; the days after as_of. Months must not be added up: people would count twice
with days as (
    select user_id, cast(date_trunc('month', activity_date) as date) as month
    from core.user_day
    where core_actions > 0 and activity_date <= cast(timezone($timezone, $as_of) as date)
    group by all
)

select
    d.user_id || '|' || d.month as unit_id,
    timezone($timezone, cast(d.month as timestamp)) as event_at,
    d.user_id as owner_id,
    u.team_id,
    1.0 as num,
    1.0 as den,
    true as observed,
    u.source_id
from days as d
inner join core.app_user as u on u.user_id = d.user_id and u.is_human
