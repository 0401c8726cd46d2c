-- Every unit row once for each grain, segment and source it counts in. Grain: kpi × unit × grain × segment × source.
with member as (
    select scope_value as team_id, min(wave_id) as wave_id
    from config.rollout_wave
    where scope_type = 'team'
    group by scope_value
),

placed as (
    select
        u.kpi_id,
        u.num,
        u.den,
        coalesce(u.observed, false) as observed,
        cast(timezone($timezone, u.event_at) as date) as day,
        u.team_id,
        t.region,
        m.wave_id,
        u.source_id
    from metrics.kpi_unit as u
    left join core.team as t using (team_id)
    left join member as m using (team_id)
    where u.event_at is not null and u.num is not null and u.den is not null
),

grained as (
    select p.*, g.period_grain, cast(date_trunc(g.period_grain, p.day) as date) as period_start
    from placed as p
    cross join (values ('week'), ('month'), ('quarter'), ('year')) as g (period_grain)
),

segmented as (
    select
        kpi_id, num, den, observed, period_grain, period_start, source_id,
        unnest(
            [{'dim': 'all', 'value': 'all'}, {'dim': 'team', 'value': team_id}, {'dim': 'region', 'value': region},
            {'dim': 'wave', 'value': wave_id}]
        ) as segment
    from grained
)

select
    kpi_id,
    period_grain,
    period_start,
    segment.dim as segment_dim,
    segment.value as segment_value,
    unnest(case when segment.dim = 'all' then ['all', coalesce(source_id, 'unknown')] else ['all'] end) as source_id,
    num,
    den,
    observed
from segmented
where segment.value is not null
