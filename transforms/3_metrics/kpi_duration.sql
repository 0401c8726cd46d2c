-- Question: by when have half of the cases ended, the unfinished ones counted for what is known of them?
-- Grain:    one row per kpi_id, period_grain, period_start, segment_dim, segment_value, source_id
-- Excludes: days, and weeks but for everybody, teams and waves (too few cases); KPIs of other statistical types
-- Kaplan-Meier 1958 median; its interval inverts the log(-log) band (Brookmeyer and Crowley 1982; Greenwood's variance).
-- NULL where the curve, or the band, does not come down to one half. Cases that end at the same time are taken one by
-- one, which gives the same curve: (1 - 1/n)(1 - 1/(n-1)) = 1 - 2/n.
with series as (
    select
        kpi_id, segment_dim, segment_value, source_id,
        row_number() over (order by kpi_id, segment_dim, segment_value, source_id) as series
    from (select distinct kpi_id, segment_dim, segment_value, source_id from metrics.kpi_spell) as d
),

numbered as materialized (
    select i.series, s.day, s.num, s.is_observed, s.segment_dim in ('all', 'team', 'wave') as has_weeks
    from metrics.kpi_spell as s
    inner join series as i
        on i.kpi_id = s.kpi_id and i.segment_dim = s.segment_dim and i.segment_value = s.segment_value
        and i.source_id = s.source_id
),

placed as (
    -- one number a cell sorts faster than six columns
    select
        n.series * 10000000 + p.period_key as cell, n.series, p.period_grain, p.period_start, n.num, n.is_observed
    from numbered as n
    inner join core.calendar as p
        on p.day = n.day and (p.period_grain in ('month', 'quarter', 'year') or (p.period_grain = 'week' and n.has_weeks))
),

counts as (
    select
        cell, any_value(series) as series, any_value(period_grain) as period_grain, any_value(period_start) as period_start,
        count(*) filter (where is_observed) as n,
        count(*) filter (where not is_observed) as n_censored,
        -- as decimals, whose sum does not depend on the order
        cast(sum(cast(num as decimal(18, 6))) as double) as time_at_risk
    from placed
    group by cell
),

cases as (
    select
        cell, num, is_observed,
        count(*) over (partition by cell) - row_number() over (partition by cell order by num, not is_observed) + 1 as at_risk
    from placed
),

curve as (
    select
        cell, num,
        sum(case when at_risk > 1 then ln(1.0 - 1.0 / at_risk) else -1e3 end) over so_far as log_survival,
        sum(1.0 / nullif(at_risk * (at_risk - 1.0), 0)) over so_far as greenwood
    from cases
    where is_observed
    window so_far as (partition by cell order by at_risk desc rows unbounded preceding)
),

bands as (
    select
        cell, num, log_survival, exp(log_survival) as survival,
        1.959963984540054 * sqrt(greenwood) / nullif(abs(log_survival), 0) as half_width
    from curve
),

medians as (
    select
        cell,
        min(num) filter (where survival <= 0.5 + 1e-12) as value,
        min(num) filter (where log_survival < -900 or pow(survival, exp(half_width)) <= 0.5 + 1e-12) as ci_low,
        min(num) filter (where log_survival >= -900 and pow(survival, exp(-half_width)) <= 0.5 + 1e-12) as ci_high
    from bands
    group by cell
)

select
    i.kpi_id, c.period_grain, c.period_start, i.segment_dim, i.segment_value, i.source_id, c.n, c.n_censored, c.time_at_risk,
    m.value, m.ci_low, m.ci_high
from counts as c
inner join series as i on i.series = c.series
left join medians as m on m.cell = c.cell
