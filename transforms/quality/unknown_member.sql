-- Question: which members of rollouts, and which teams of the settings, does no record know?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: nothing
with wave as (
    select
        w.scope_value as named,
        r.rollout_id is not null
        and min(w.scope_type) over together = max(w.scope_type) over together
        and case w.scope_type
            when 'team' then w.scope_value in (select team_id from core.team)
            when 'region' then w.scope_value in (select region from core.team where region is not null)
            when 'segment' then w.scope_value in (select segment from core.team where segment is not null)
            when 'user' then w.scope_value in (select user_id from core.app_user)
            else w.scope_value = 'all'
        end as is_known
    from config.rollout_wave as w
    left join config.rollout as r on r.rollout_id = w.rollout_id
    window together as (partition by w.rollout_id)
),

named as (
    select 'rollout_wave' as object, 'scope_value' as field, named, is_known from wave
    union all
    select 'team', 'name', s.name, t.team_id is not null
    from config.team as s
    left join core.team as t on t.team_id = s.team_id
)

select
    object,
    field,
    cast(null as varchar) as source_id,
    count(*) filter (where not is_known) as failing_rows,
    count(*) as total_rows,
    min(named, 5) filter (where not is_known) as sample_ids
from named
group by object, field
