-- Question: what did the rollout cost, and what does each benefit rest on?
-- Grain:    one row per cost item, and per benefit item with the newest verdict on its KPI
-- Excludes: costs that would have been there without the CRM; rollouts without a go-live. Months are counted from the first
--           day of cost or go-live
with live as (
    select rollout_id, min(go_live_date) as go_live_date, max(learning_days) as learning_days
    from config.rollout_wave
    where go_live_date is not null and not coalesce(is_control, false)
    group by rollout_id
),

starts as (
    select
        l.rollout_id, l.learning_days, l.go_live_date,
        least(l.go_live_date, coalesce(min(c.period_start), l.go_live_date)) as first_day
    from live as l
    left join config.cost_item as c on c.rollout_id = l.rollout_id and c.is_incremental
    group by l.rollout_id, l.learning_days, l.go_live_date
),

effects as (
    select
        e.rollout_id, e.kpi_id, e.effect, e.effect_ci_low, e.effect_ci_high, e.verdict, k.direction,
        case
            when k.stat_type in ('sum', 'count') then 1.0
            else e.n_post * 7.0 / nullif(date_diff('day', e.post_start, e.post_end), 0)
        end as weekly_volume
    from evaluation.kpi_effect as e
    inner join metrics.kpi as k on k.kpi_id = e.kpi_id and k.definition_version = e.definition_version
    where e.wave_id = 'all' and e.segment_dim = 'all' and e.effect is not null
    qualify row_number() over (
        partition by e.rollout_id, e.kpi_id order by e.look <> 'provisional' desc, e.as_of desc
    ) = 1
)

select
    c.rollout_id, 'cost' as kind, c.cost_id as item_id,
    date_diff('day', s.first_day, c.period_start) / 30.4375 as first_month,
    date_diff('day', s.first_day, greatest(c.period_end, c.period_start + 1)) / 30.4375 as last_month,
    cast(coalesce(c.amount_base, c.hours * c.hourly_rate_base) as double) as cost_base,
    cast(null as double) as monthly, cast(null as double) as monthly_low, cast(null as double) as monthly_high,
    cast(null as double) as attribution_low, cast(null as double) as attribution_mode,
    cast(null as double) as attribution_high, cast(null as double) as risk_adjustment, true as is_judged
from config.cost_item as c
inner join starts as s on s.rollout_id = c.rollout_id
where c.is_incremental
union all
select
    b.rollout_id, 'benefit', b.benefit_id,
    date_diff('day', s.first_day, s.go_live_date + s.learning_days) / 30.4375, null, null,
    case when e.direction = 'lower' then -1 else 1 end * e.effect * e.weekly_volume * b.unit_value_base * 4.348125,
    case when e.direction = 'lower' then -e.effect_ci_high else e.effect_ci_low end
    * e.weekly_volume * b.unit_value_base * 4.348125,
    case when e.direction = 'lower' then -e.effect_ci_low else e.effect_ci_high end
    * e.weekly_volume * b.unit_value_base * 4.348125,
    b.attribution_low, b.attribution_mode, b.attribution_high, coalesce(b.risk_adjustment, 1.0), e.effect is not null
from config.benefit_item as b
inner join starts as s on s.rollout_id = b.rollout_id
left join effects as e on e.rollout_id = b.rollout_id and e.kpi_id = b.kpi_id
order by all
