-- Question: how much open pipeline was due in each local month on its first snapshot, against that month's quota?
-- Grain:    one row per month and deal due in it (num), and per month and quota of an owner or team (den)
-- Excludes: months without a snapshot; months without a quota; quotas are spread over their days. A person's quota is part
--           of the team's where the team has one of its own, and the company's of theirs where any of them has one
with firsts as (
    select cast(date_trunc('month', snapshot_date) as date) as month, min(snapshot_date) as snapshot_date
    from core.opportunity_snapshot
    where timezone($timezone, cast(snapshot_date as timestamp)) < $as_of
    group by all
),

quotas as (
    select
        q.owner_id, coalesce(q.team_id, u.team_id) as team_id, q.period_start, q.period_end, q.quota_base,
        case when q.owner_id is not null then 'person' when q.team_id is not null then 'team' else 'company' end as level
    from config.quota as q
    left join core.app_user as u on u.user_id = q.owner_id
),

single as (
    select q.*
    from quotas as q
    where not exists (
        select 1 from quotas as o
        where o.period_start < q.period_end and o.period_end > q.period_start
            and case q.level
                when 'person' then o.level = 'team' and o.team_id = q.team_id
                when 'company' then o.level <> 'company'
                else false
            end
    )
),

shares as (
    select
        f.month, f.snapshot_date, q.owner_id, q.team_id, q.period_start,
        cast(q.quota_base as double)
        * date_diff('day', greatest(q.period_start, f.month), least(q.period_end, cast(f.month + interval 1 month as date)))
        / nullif(date_diff('day', q.period_start, q.period_end), 0) as quota_base
    from firsts as f
    inner join single as q on q.period_start < f.month + interval 1 month and q.period_end > f.month
),

due as (
    select s.*, f.month
    from core.opportunity_snapshot as s
    inner join firsts as f on f.snapshot_date = s.snapshot_date
    where s.status = 'open' and s.amount_base is not null
        and date_trunc('month', s.expected_close_date) = f.month
        and f.month in (select month from shares)
)

select
    d.opportunity_id || '|' || d.month as unit_id,
    timezone($timezone, cast(d.snapshot_date as timestamp)) as event_at,
    d.owner_id,
    d.team_id,
    cast(d.amount_base as double) as num,
    cast(0.0 as double) as den,
    true as observed
from due as d
union all
select
    'quota:' || coalesce(owner_id, team_id, 'all') || ':' || period_start || '|' || month,
    timezone($timezone, cast(snapshot_date as timestamp)),
    owner_id,
    team_id,
    0.0,
    quota_base,
    true
from shares
