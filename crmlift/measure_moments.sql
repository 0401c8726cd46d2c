-- Sums, counts, means, shares, ratios and NPS by cell, with 95 % intervals, from sums of the observed rows.
--   sum, count   compound Poisson: variance Σ num²
--   mean         Student's, by the normal quantile
--   proportion   Wilson 1927
--   ratio        delta method over units: Σ (num − r·den)² / (Σ den)² · n / (n − 1)
--   nps          variance p + d − (p − d)² over n, in points
-- Sums and counts are 0 in periods between a segment's first row and the last period; all other cells need rows.
with moment as (
    select
        kpi_id, period_grain, period_start, segment_dim, segment_value, source_id,
        count(*) as n,
        count(*) filter (not observed) as n_censored,
        sum(num) filter (observed) as num,
        sum(den) filter (observed) as den,
        sum(num * num) filter (observed) as num2,
        sum(den * den) filter (observed) as den2,
        sum(num * den) filter (observed) as num_den,
        count(*) filter (observed) as n_observed
    from kpi_cell
    join metrics.kpi using (kpi_id)
    where stat_type <> 'duration'
    group by all
),

segment as (
    select kpi_id, period_grain, segment_dim, segment_value, source_id, min(period_start) as first_start
    from moment
    join metrics.kpi using (kpi_id)
    where stat_type in ('sum', 'count')
    group by all
),

spine as (
    select
        kpi_id, period_grain, segment_dim, segment_value, source_id,
        cast(unnest(generate_series(
            cast(first_start as timestamp),
            date_trunc(period_grain, timezone($timezone, cast($as_of as timestamptz))),
            case period_grain
                when 'week' then interval 7 day
                when 'month' then interval 1 month
                when 'quarter' then interval 3 month
                else interval 1 year
            end
        )) as date) as period_start
    from segment
),

filled as (
    select * from moment
    union all by name
    select
        s.*, 0 as n, 0 as n_censored, 0.0 as num, 0.0 as den, 0.0 as num2, 0.0 as den2, 0.0 as num_den, 0 as n_observed
    from spine as s
    anti join moment using (kpi_id, period_grain, period_start, segment_dim, segment_value, source_id)
),

estimated as (
    select
        f.*,
        k.stat_type,
        case
            when k.stat_type in ('sum', 'count') then f.num
            when k.stat_type = 'nps' then 100 * f.num / nullif(f.den, 0)
            else f.num / nullif(f.den, 0)
        end as value,
        case k.stat_type
            when 'mean' then sqrt(
                greatest(f.num2 - f.num * f.num / nullif(f.n_observed, 0), 0) / nullif(f.n_observed - 1, 0)
                / nullif(f.n_observed, 0)
            )
            when 'ratio' then sqrt(
                greatest(
                    f.num2 - 2 * (f.num / nullif(f.den, 0)) * f.num_den
                    + power(f.num / nullif(f.den, 0), 2) * f.den2, 0
                ) * f.n_observed / nullif(f.n_observed - 1, 0)
            ) / nullif(f.den, 0)
            when 'nps' then 100 * sqrt(
                greatest(f.num2 / nullif(f.n_observed, 0) - power(f.num / nullif(f.n_observed, 0), 2), 0)
                / nullif(f.n_observed, 0)
            )
            when 'proportion' then null
            else sqrt(f.num2)
        end as error,
        f.n_observed as size
    from filled as f
    join metrics.kpi as k using (kpi_id)
)

select
    kpi_id, period_grain, period_start, segment_dim, segment_value, source_id,
    num as numerator,
    den as denominator,
    n,
    n_censored,
    value,
    case
        when stat_type = 'proportion' then
            (value + 1.92 / nullif(size, 0) - 1.96 * sqrt(value * (1 - value) / nullif(size, 0) + 0.9604 / nullif(size * size, 0)))
            / (1 + 3.84 / nullif(size, 0))
        when stat_type in ('sum', 'count') then greatest(value - 1.96 * error, 0)
        else value - 1.96 * error
    end as ci_low,
    case
        when stat_type = 'proportion' then
            (value + 1.92 / nullif(size, 0) + 1.96 * sqrt(value * (1 - value) / nullif(size, 0) + 0.9604 / nullif(size * size, 0)))
            / (1 + 3.84 / nullif(size, 0))
        else value + 1.96 * error
    end as ci_high,
    case when value is null then 'no_data' else 'ok' end as status
from estimated
