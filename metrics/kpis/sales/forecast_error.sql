-- Question: how far was each team's first forecast of a period from what it won?
-- Grain:    one row per team_id and forecast period; observed once the period is over
-- Excludes: forecasts handed in before the period began or after it ended
with first_forecasts as (
    select
        team_id, period_start, period_end,
        arg_min(forecast_base, submitted_at) as forecast_base,
        timezone($timezone, cast(period_start as timestamp)) as start_at,
        timezone($timezone, cast(period_end as timestamp)) as end_at
    from config.forecast_submission
    where cast(timezone($timezone, submitted_at) as date) >= period_start
        and cast(timezone($timezone, submitted_at) as date) < period_end and submitted_at <= $as_of
    group by all
),

won as (
    select f.team_id, f.period_start, f.period_end, sum(o.amount_base) as won_base
    from first_forecasts as f
    inner join core.opportunity as o
        on o.team_id = f.team_id and o.closed_at >= f.start_at and o.closed_at < f.end_at
    where o.status = 'won' and o.is_countable and not o.is_deleted
    group by all
)

select
    f.team_id || '|' || f.period_start || '|' || f.period_end as unit_id,
    f.end_at - interval 1 microsecond as event_at,
    cast(null as varchar) as owner_id,
    f.team_id,
    cast(abs(f.forecast_base - coalesce(w.won_base, 0)) as double) as num,
    cast(coalesce(w.won_base, 0) as double) as den,
    f.end_at <= $as_of as observed
from first_forecasts as f
left join won as w on w.team_id = f.team_id and w.period_start = f.period_start and w.period_end = f.period_end
