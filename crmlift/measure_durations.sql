-- Kaplan–Meier medians by cell, censored rows counted, with the log-log interval (Brookmeyer, Crowley 1982).
-- A median that is not reached yet is NULL with the status 'median_not_reached'.
with ordered as (
    select
        c.*,
        count(*) over cell as n,
        count(*) filter (not observed) over cell as n_censored,
        row_number() over (cell order by num, observed desc) as place
    from kpi_cell as c
    join metrics.kpi using (kpi_id)
    where stat_type = 'duration'
    window cell as (partition by kpi_id, period_grain, period_start, segment_dim, segment_value, source_id)
),

step as (
    select
        *,
        case when observed and n - place + 1 > 1 then ln(1 - 1.0 / (n - place + 1)) when observed then -700 else 0 end as log_factor,
        case when observed and n - place + 1 > 1 then 1.0 / ((n - place + 1) * (n - place)) else 0 end as greenwood
    from ordered
),

curve as (
    select
        *,
        sum(log_factor) over so_far as log_survival,
        sum(greenwood) over so_far as log_variance
    from step
    window so_far as (
        partition by kpi_id, period_grain, period_start, segment_dim, segment_value, source_id order by place
    )
),

banded as (
    select
        *,
        1.96 * sqrt(log_variance) / nullif(abs(log_survival), 0) as half_width
    from curve
)

select
    kpi_id, period_grain, period_start, segment_dim, segment_value, source_id,
    sum(least(num, 1e12)) as numerator,
    cast(any_value(n) as double) as denominator,
    any_value(n) as n,
    any_value(n_censored) as n_censored,
    min(num) filter (observed and log_survival <= ln(0.5) + 1e-12) as value,
    min(num) filter (observed and log_survival * exp(half_width) <= ln(0.5)) as ci_low,
    min(num) filter (observed and log_survival * exp(-half_width) <= ln(0.5)) as ci_high,
    case when min(num) filter (observed and log_survival <= ln(0.5) + 1e-12) is null then 'median_not_reached' else 'ok' end
        as status
from banded
group by kpi_id, period_grain, period_start, segment_dim, segment_value, source_id
