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

named as (
    select kpi_id, segment_dim, segment_value, source_id from metrics.kpi_cell
    union
    select kpi_id, segment_dim, segment_value, source_id from metrics.kpi_duration
),

series as (
    select
        n.kpi_id, n.segment_dim, n.segment_value, n.source_id, k.stat_type, k.min_n, k.definition_version,
        row_number() over (order by n.kpi_id, n.segment_dim, n.segment_value, n.source_id) as series,
        dense_rank() over (order by n.kpi_id) as kpi,
        k.stat_type in ('sum', 'count', 'snapshot_count') as is_additive,
        k.stat_type in ('sum', 'count') and n.segment_dim in ('all', 'team') as has_days,
        cast(case when k.stat_type = 'duration' then 0 else ceil(coalesce(k.horizon_days, 0)) end as integer) as wait_days
    from named as n
    inner join metrics.kpi as k on k.kpi_id = n.kpi_id
),

numbered as materialized (
    select i.series, i.has_days, i.stat_type, i.kpi, c.day, c.n, c.n_unobserved, c.num, c.den, c.num_squared, c.den_squared, c.num_den
    from metrics.kpi_cell as c
    inner join series as i
        on i.kpi_id = c.kpi_id and i.segment_dim = c.segment_dim and i.segment_value = c.segment_value
        and i.source_id = c.source_id
),

snapshot_days as (
    select c.kpi, p.period_key, max(c.day) as day
    from numbered as c
    inner join core.calendar as p on p.day = c.day
    where c.stat_type = 'snapshot_count'
    group by all
),

placed as (
    -- one number a cell groups and joins faster than six columns
    select
        c.series * 10000000 + p.period_key as cell, c.n, c.n_unobserved, c.num, c.den, c.num_squared, c.den_squared, c.num_den
    from numbered as c
    inner join core.calendar as p on p.day = c.day and (c.has_days or p.period_grain <> 'day')
    left join snapshot_days as s on s.kpi = c.kpi and s.period_key = p.period_key
    where s.day is null or s.day = c.day
),

rolled as (
    select
        cell, sum(n) as n, sum(n_unobserved) as n_censored, sum(num) as num, sum(den) as den,
        sum(num_squared) as num_squared, sum(den_squared) as den_squared, sum(num_den) as num_den,
        cast(null as double) as value, cast(null as double) as ci_low, cast(null as double) as ci_high
    from placed
    group by cell
    union all
    select
        i.series * 10000000 + p.period_key, d.n, d.n_censored, d.time_at_risk, d.n, null, null, null, d.value, d.ci_low,
        d.ci_high
    from metrics.kpi_duration as d
    inner join series as i
        on i.kpi_id = d.kpi_id and i.segment_dim = d.segment_dim and i.segment_value = d.segment_value
        and i.source_id = d.source_id
    inner join core.calendar as p on p.day = d.period_start and p.period_grain = d.period_grain
),

periods as (
    select p.period_grain, p.period_start, p.period_end, p.period_key
    from core.calendar as p
    cross join today as t
    where p.day = p.period_start and p.day <= t.day
),

spans as (
    select r.cell // 10000000 as series, p.period_grain, min(p.period_start) as first_start
    from rolled as r
    inner join periods as p on p.period_key = r.cell % 10000000
    group by all
),

beginnings as (
    select kpi_id, min(day) as first_day
    from metrics.kpi_cell
    group by all
),

cells as (
    select
        i.kpi_id, p.period_grain, p.period_start, p.period_end, i.segment_dim, i.segment_value, i.source_id,
        coalesce(r.n, 0) as n, coalesce(r.n_censored, 0) as n_censored,
        coalesce(p.period_start < b.first_day, false) and i.stat_type in ('sum', 'count') as is_partial,
        i.stat_type, i.is_additive, i.min_n, i.definition_version, i.wait_days,
        case when i.is_additive then coalesce(r.num, 0) else r.num end as num,
        r.den, r.num_squared, r.den_squared, r.num_den, r.num / nullif(r.den, 0) as ratio,
        r.value as median_value, r.ci_low as median_low, r.ci_high as median_high
    from spans as s
    inner join series as i on i.series = s.series
    inner join periods as p on p.period_grain = s.period_grain and p.period_start >= s.first_start
    left join beginnings as b on b.kpi_id = i.kpi_id
    left join rolled as r on r.cell = i.series * 10000000 + p.period_key
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
            when is_additive then num
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
        when n < min_n and not is_additive then 'too_few'
        else 'ok'
    end as status,
    is_mature,
    period_end + wait_days as mature_after,
    'crm' as data_origin,
    definition_version,
    $run_id as run_id,
    now() as computed_at
from judged
