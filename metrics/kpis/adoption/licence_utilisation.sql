-- Question: how many of the seats we pay for were used in the $recent_days days before each week's end?
-- Grain:    one row per week end and person with work recorded (num), and per week end and seat contract (den)
-- Excludes: weeks without a seat contract; the running week; seats of a system of which no work was ever recorded by then:
--           nobody knows whether they are used
with ends as (
    -- the last twelve week ends, and before them the last one of each month
    select cast(w.monday as date) as monday, timezone($timezone, w.monday + interval 7 day) as end_at
    from generate_series(
        date_trunc('week', (select cast(min(valid_from) as timestamp) from config.licence_seat)),
        timezone($timezone, $as_of) - interval 7 day,
        interval 7 day
    ) as w(monday)
    where w.monday > timezone($timezone, $as_of) - interval 91 day
        or date_trunc('month', w.monday + interval 6 day) <> date_trunc('month', w.monday + interval 13 day)
),

recorded as (
    select u.source_id, min(d.activity_date) as first_day
    from core.user_day as d
    inner join core.app_user as u on u.user_id = d.user_id and u.is_human and u.is_licensed
    where d.core_actions > 0
    group by u.source_id
),

seats as (
    select e.monday, e.end_at, s.source_id, s.rollout_id, s.valid_from, s.seats_purchased
    from ends as e
    inner join config.licence_seat as s
        on s.valid_from <= e.monday + 6 and (s.valid_to is null or s.valid_to > e.monday + 6)
    where exists (
        select 1 from recorded as r
        where (s.source_id is null or s.source_id = r.source_id) and r.first_day <= e.monday + 6
    )
),

used as (
    select distinct e.monday, e.end_at, d.user_id
    from ends as e
    inner join core.user_day as d
        on d.activity_date <= e.monday + 6 and d.activity_date > e.monday + 6 - cast($recent_days as integer)
    where d.core_actions > 0 and e.monday in (select monday from seats)
)

select
    d.user_id || '|' || d.monday as unit_id,
    d.end_at - interval 1 microsecond as event_at,
    d.user_id as owner_id,
    u.team_id,
    1.0 as num,
    cast(0.0 as double) as den,
    true as observed,
    u.source_id
from used as d
inner join core.app_user as u on u.user_id = d.user_id and u.is_human and u.is_licensed
where exists (
    select 1 from seats as s where s.monday = d.monday and (s.source_id is null or s.source_id = u.source_id)
)
union all
select
    'seats:' || coalesce(source_id, '') || ':' || coalesce(rollout_id, '') || ':' || valid_from || '|' || monday,
    end_at - interval 1 microsecond,
    null,
    null,
    0.0,
    cast(seats_purchased as double),
    true,
    source_id
from seats
