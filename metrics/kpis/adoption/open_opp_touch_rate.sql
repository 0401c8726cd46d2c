-- Question: was anything done on each open deal in the $h_days days before each week's end?
-- Grain:    one row per opportunity_id and week end it was open at
-- Excludes: deleted deals; merged, duplicate, test and negative deals; automatic, unfinished and deleted activities; times
--           a deal was closed in between and opened again; the running week; weeks in a break of more than a year in
--           which no deal was recorded
with weeks as (
    -- the last twelve week ends, and before them the last one of each month
    select cast(w.monday as date) as monday, timezone($timezone, w.monday + interval 7 day) as end_at
    from generate_series(
        date_trunc('week', timezone($timezone, (select min(created_at) from core.opportunity))),
        timezone($timezone, $as_of) - interval 7 day,
        interval 7 day
    ) as w(monday)
    where (
            w.monday > timezone($timezone, $as_of) - interval 91 day
            or date_trunc('month', w.monday + interval 6 day) <> date_trunc('month', w.monday + interval 13 day)
        )
        and coalesce((
            select bool_or(r.is_newest or r.last_day >= w.monday) from core.recorded_run as r
            where r.object = 'opportunity' and r.first_day <= w.monday + interval 6 day
        ), true)
),

ends as (
    select
        monday, end_at, end_at - to_hours(24 * cast($h_days as integer)) as start_at,
        end_at - interval 1 microsecond as event_at, '|' || monday as suffix
    from weeks
),

touches as (
    select opportunity_id, occurred_at as touched_at
    from core.activity
    where opportunity_id is not null and is_completed and not is_automated and not is_deleted
    union all
    select h.opportunity_id, h.entered_at
    from core.opportunity_stage_history as h
    inner join core.app_user as u on u.user_id = h.changed_by_id and u.is_human
),

touched as (
    select distinct t.opportunity_id, e.monday
    from touches as t
    inner join ends as e
        on t.touched_at < e.end_at and t.touched_at >= e.start_at
)

select
    o.opportunity_id || e.suffix as unit_id,
    e.event_at,
    o.initial_owner_id as owner_id,
    o.team_id,
    case when t.monday is not null or o.created_at >= e.start_at then 1.0 else 0.0 end as num,
    1.0 as den,
    true as observed,
    o.source_id,
    o.account_id,
    o.amount_base,
    o.deal_type,
    o.lead_source,
    o.pipeline_name
from core.opportunity as o
inner join ends as e on o.created_at < e.end_at and coalesce(o.closed_at >= e.end_at, true)
left join touched as t on t.opportunity_id = o.opportunity_id and t.monday = e.monday
where o.is_countable and not o.is_deleted
