-- Question: how high was each KPI in each period and segment, and how sure is that?
-- Grain:    one row per kpi_id, period_grain, period_start, segment_dim, segment_value, source_id
-- Excludes: days for all but sums and counts of everybody and of teams; periods before a segment's first record
-- Everything rolls up from sums over units, never from averages. 95 % intervals: counts Poisson (Byar's approximation),
-- sums compound Poisson, means Student, shares Wilson, ratios delta method, NPS variance p + d - (p - d)^2,
-- durations from metrics.kpi_duration. A period without records is 0 for sums and counts and unknown for all else; one in
-- which a sum's records begin is partial.
with today as (
    select cast(timezone($timezone, $as_of) as date) as day
),

snapshot_days as (
    select c.kpi_id, p.period_grain, p.period_start, max(c.day) as day
    from metrics.kpi_cell as c
    inner join metrics.kpi as k on k.kpi_id = c.kpi_id and k.stat_type = 'snapshot_count'
    inner join core.calendar as p on p.day = c.day
    group by all
),

placed as (
    select
        c.kpi_id, p.period_grain, p.period_start, c.segment_dim, c.segment_value, c.source_id, c.n, c.n_unobserved, c.num,
        c.den, c.num_squared, c.den_squared, c.num_den
    from metrics.kpi_cell as c
    inner join metrics.kpi as k on k.kpi_id = c.kpi_id
    inner join core.calendar as p
        on p.day = c.day
        and (p.period_grain <> 'day' or (k.stat_type in ('sum', 'count') and c.segment_dim in ('all', 'team')))
    left join snapshot_days as s
        on s.kpi_id = c.kpi_id and s.period_grain = p.period_grain and s.period_start = p.period_start
    where s.day is null or s.day = c.day
),

rolled as (
    select
        kpi_id, period_grain, period_start, segment_dim, segment_value, source_id, sum(n) as n,
        sum(n_unobserved) as n_censored, sum(num) as num, sum(den) as den, sum(num_squared) as num_squared,
        sum(den_squared) as den_squared, sum(num_den) as num_den, null as value, null as ci_low, null as ci_high
    from placed
    group by all
    union all
    select
        kpi_id, period_grain, period_start, segment_dim, segment_value, source_id, n, n_censored, time_at_risk, n, null, null,
        null, value, ci_low, ci_high
    from metrics.kpi_duration
),

series as (
    select kpi_id, period_grain, segment_dim, segment_value, source_id, min(period_start) as first_start
    from rolled
    group by all
),

beginnings as (
    select kpi_id, min(day) as first_day
    from metrics.kpi_cell
    group by all
),

periods as (
    select p.period_grain, p.period_start, p.period_end
    from core.calendar as p
    cross join today as t
    where p.day = p.period_start and p.day <= t.day
),

cells as (
    select
        s.kpi_id, s.period_grain, p.period_start, p.period_end, s.segment_dim, s.segment_value, s.source_id,
        coalesce(r.n, 0) as n, coalesce(r.n_censored, 0) as n_censored,
        coalesce(p.period_start < b.first_day, false) and k.stat_type in ('sum', 'count') as is_partial, k.stat_type, k.min_n, k.definition_version,
        case when k.stat_type in ('sum', 'count', 'snapshot_count') then coalesce(r.num, 0) else r.num end as num,
        r.den, r.num_squared, r.den_squared, r.num_den, r.num / nullif(r.den, 0) as ratio,
        r.value as median_value, r.ci_low as median_low, r.ci_high as median_high,
        cast(case when k.stat_type = 'duration' then 0 else ceil(coalesce(k.horizon_days, 0)) end as integer) as wait_days
    from series as s
    inner join periods as p on p.period_grain = s.period_grain and p.period_start >= s.first_start
    inner join metrics.kpi as k on k.kpi_id = s.kpi_id
    left join beginnings as b on b.kpi_id = s.kpi_id
    left join rolled as r
        on r.kpi_id = s.kpi_id
        and r.period_grain = s.period_grain
        and r.period_start = p.period_start
        and r.segment_dim = s.segment_dim
        and r.segment_value = s.segment_value
        and r.source_id = s.source_id
),

spreads as (
    select
        *,
        case n - 1
            when 1 then 12.7062 when 2 then 4.30265 when 3 then 3.18245 when 4 then 2.77645
            else 1.959964 + 2.372271 / nullif(n - 1, 0) + 2.822499 / nullif(n - 1, 0) ** 2 + 2.555850 / nullif(n - 1, 0) ** 3
        end as t_quantile,
        sqrt(greatest(num_squared - num * num / nullif(n, 0), 0) / nullif(n - 1, 0) / nullif(n, 0)) as mean_error,
        sqrt(
            greatest(num_squared - 2 * ratio * num_den + ratio * ratio * den_squared, 0)
            * n / nullif(n - 1, 0)
        ) / nullif(den, 0) as ratio_error,
        100 * sqrt(greatest(num_squared / nullif(n, 0) - (num / nullif(n, 0)) ** 2, 0) / nullif(n, 0)) as nps_error,
        1.959964 * sqrt(greatest(ratio * (1 - ratio), 0) / nullif(n, 0) + 1.959964 ** 2 / (4.0 * nullif(n, 0) ** 2))
        / (1 + 1.959964 ** 2 / nullif(n, 0)) as wilson_half,
        (ratio + 1.959964 ** 2 / (2.0 * nullif(n, 0))) / (1 + 1.959964 ** 2 / nullif(n, 0)) as wilson_middle
    from cells
),

estimates as (
    select
        *,
        case
            when stat_type in ('sum', 'count', 'snapshot_count') then num
            when stat_type in ('mean', 'proportion', 'ratio') then ratio
            when stat_type = 'nps' then 100 * ratio
            when stat_type = 'duration' then median_value
        end as value,
        case stat_type
            when 'sum' then num - 1.959964 * sqrt(num_squared)
            when 'count' then case when num > 0 then num * (1 - 1 / (9.0 * num) - 1.959964 / (3 * sqrt(num))) ** 3 else 0.0 end
            when 'mean' then ratio - t_quantile * mean_error
            when 'proportion' then case when n > 0 then least(greatest(wilson_middle - wilson_half, 0), ratio) end
            when 'ratio' then ratio - t_quantile * ratio_error
            when 'nps' then case when n > 0 then greatest(100 * ratio - 1.959964 * nps_error, -100) end
            when 'duration' then median_low
        end as ci_low,
        case stat_type
            when 'sum' then num + 1.959964 * sqrt(num_squared)
            when 'count' then (num + 1) * (1 - 1 / (9.0 * (num + 1)) + 1.959964 / (3 * sqrt(num + 1))) ** 3
            when 'mean' then ratio + t_quantile * mean_error
            when 'proportion' then case when n > 0 then greatest(least(wilson_middle + wilson_half, 1), ratio) end
            when 'ratio' then ratio + t_quantile * ratio_error
            when 'nps' then case when n > 0 then least(100 * ratio + 1.959964 * nps_error, 100) end
            when 'duration' then median_high
        end as ci_high
    from spreads
),

judged as (
    select
        e.*,
        e.period_end + e.wait_days <= t.day and not e.is_partial
        and case when e.stat_type = 'duration' then e.value is not null else e.n_censored = 0 end as is_mature
    from estimates as e
    cross join today as t
)

select
    kpi_id,
    period_grain,
    period_start,
    period_end,
    segment_dim,
    segment_value,
    source_id,
    cast(num as double) as numerator,
    cast(den as double) as denominator,
    cast(n as bigint) as n,
    cast(n_censored as bigint) as n_censored,
    cast(value as double) as value,
    cast(ci_low as double) as ci_low,
    cast(ci_high as double) as ci_high,
    case
        when n + n_censored = 0 and value is null then 'no_data'
        when stat_type = 'duration' and value is null then 'median_not_reached'
        when is_partial then 'partial'
        when not is_mature then 'immature'
        when value is null then 'no_data'
        when n < min_n and stat_type not in ('sum', 'count', 'snapshot_count') then 'too_few'
        else 'ok'
    end as status,
    is_mature,
    period_end + wait_days as mature_after,
    'crm' as data_origin,
    definition_version,
    $run_id as run_id,
    now() as computed_at
from judged
