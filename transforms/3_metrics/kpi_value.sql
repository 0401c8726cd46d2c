-- Question: how high was each KPI in each period and segment, and how sure is that?
-- Grain:    one row per kpi_id, period_grain, period_start, segment_dim, segment_value, source_id
-- Excludes: days for all but sums and counts of everybody and of teams; periods before a segment's first record;
--           composites and models, which the step measure adds
-- Everything rolls up from sums over units, never from averages. 95 % intervals: counts Poisson (Byar's approximation),
-- sums compound Poisson, means Student, shares Wilson, ratios delta method with the sums of owners or accounts as clusters
-- (single units by week for the finer segments), NPS variance p + d - (p - d)^2, durations as crmlift.spells finds them;
-- declared amounts and the largest of a snapshot have none. Student's interval of a mean of heavy-tailed amounts holds
-- less than 95 % below some 50 units. A snapshot counts at its last day in a period. A period without records is 0 for
-- sums and counts and unknown for all else; one in which a sum's records begin is partial. Cells smaller than min_cell
-- are not shown, nor is the next smallest where a single one would follow from the rest. Where a KPI has no record for more
-- than a year, periods without one are left out for everybody.
with today as (
    select cast(timezone($timezone, $as_of) as date) as day
),

named as (
    select kpi_id, segment_dim, segment_value, source_id from metrics.kpi_cell
    union
    select kpi_id, segment_dim, segment_value, source_id from metrics.kpi_median
),

scales as (
    -- squares of amounts of 18 digits would not fit; divided by a power of two they lose nothing, others are left alone
    select
        kpi_id,
        pow(2, greatest(ceil(log2(greatest(max(num_squared), max(den_squared), max(abs(num_den)), 1) * count(*) / 1e28)), 0)) as scale
    from metrics.kpi_cell
    group by kpi_id
),

series as (
    select
        n.kpi_id, n.segment_dim, n.segment_value, n.source_id, k.stat_type, k.min_n, k.min_cell, k.is_exact, k.definition_version,
        row_number() over (order by n.kpi_id, n.segment_dim, n.segment_value, n.source_id) as series,
        dense_rank() over (order by n.kpi_id) as kpi,
        k.stat_type in ('sum', 'count', 'snapshot_count') as is_additive,
        k.stat_type in ('sum', 'count') and n.segment_dim in ('all', 'team') as has_days,
        cast(case when k.stat_type = 'duration' then 0 else ceil(coalesce(k.horizon_days, 0)) end as integer) as wait_days,
        coalesce(f.scale, 1) as scale
    from named as n
    inner join metrics.kpi as k on k.kpi_id = n.kpi_id
    left join scales as f on f.kpi_id = n.kpi_id
),

numbered as materialized (
    select i.series, i.has_days, starts_with(i.stat_type, 'snapshot') as is_snapshot, i.kpi, c.day, c.n, c.n_unobserved, c.num, c.den, c.num_squared, c.den_squared, c.num_den, c.num_max, i.scale
    from metrics.kpi_cell as c
    inner join series as i
        on i.kpi_id = c.kpi_id and i.segment_dim = c.segment_dim and i.segment_value = c.segment_value
        and i.source_id = c.source_id
),

snapshot_days as (
    select c.kpi, p.period_key, max(c.day) as day
    from numbered as c
    inner join core.calendar as p on p.day = c.day
    where c.is_snapshot
    group by all
),

summed as materialized (
    -- one number a cell groups and joins faster than six columns; as decimals, whose sum does not depend on the order
    select
        c.series * 10000000 + p.period_key as cell, c.is_snapshot, sum(c.n) as n, sum(c.n_unobserved) as n_unobserved,
        sum(cast(c.num as decimal(38, 12))) as num, sum(cast(c.den as decimal(38, 12))) as den,
        sum(cast(c.num_squared / c.scale as decimal(38, 8))) as num_squared,
        sum(cast(c.den_squared / c.scale as decimal(38, 8))) as den_squared,
        sum(cast(c.num_den / c.scale as decimal(38, 8))) as num_den, max(c.num_max) as num_max, min(c.scale) as scale
    from numbered as c
    inner join core.calendar as p
        on p.day = c.day
        and case p.period_grain when 'day' then c.has_days when 'week' then true when 'month' then true else c.is_snapshot end
    left join snapshot_days as s on s.kpi = c.kpi and s.period_key = p.period_key
    where s.day is null or s.day = c.day
    group by cell, c.is_snapshot
),

later as (
    -- quarters and years hold whole months
    select distinct m.period_key as month_key, p.period_key
    from core.calendar as m
    inner join core.calendar as p on p.day = m.day and p.period_grain in ('quarter', 'year')
    where m.period_grain = 'month' and m.day = m.period_start
),

placed as (
    select cell, n, n_unobserved, num, den, num_squared, den_squared, num_den, num_max, scale from summed
    union all
    select
        m.cell // 10000000 * 10000000 + l.period_key as cell, sum(m.n), sum(m.n_unobserved), sum(m.num), sum(m.den),
        sum(m.num_squared), sum(m.den_squared), sum(m.num_den), max(m.num_max), min(m.scale)
    from summed as m
    inner join later as l on l.month_key = m.cell % 10000000
    where not m.is_snapshot
    group by 1
),

rolled as (
    select
        cell, n, n_unobserved as n_censored, cast(num as double) as num, cast(den as double) as den,
        cast(num_squared as double) * scale as num_squared, cast(den_squared as double) * scale as den_squared,
        cast(num_den as double) * scale as num_den, num_max,
        cast(null as double) as value, cast(null as double) as ci_low, cast(null as double) as ci_high
    from placed
    union all
    select
        i.series * 10000000 + d.period_key, d.n, d.n_censored, d.time_at_risk, d.n, null, null, null, null, d.value, d.ci_low,
        d.ci_high
    from metrics.kpi_median as d
    inner join series as i
        on i.kpi_id = d.kpi_id and i.segment_dim = d.segment_dim and i.segment_value = d.segment_value
        and i.source_id = d.source_id
),

clustered as (
    select i.series * 10000000 + c.period_key as cell, c.clusters, c.num_squared, c.den_squared, c.num_den
    from metrics.kpi_cluster as c
    inner join series as i
        on i.kpi_id = c.kpi_id and i.segment_dim = c.segment_dim and i.segment_value = c.segment_value
        and i.source_id = c.source_id
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

known as (
    select distinct kpi_id, day, true as is_record from metrics.kpi_cell
    union all
    select d.kpi_id, p.period_start, true
    from (select distinct kpi_id, period_key from metrics.kpi_median) as d
    inner join periods as p on p.period_key = d.period_key and p.period_grain = 'month'
    union all
    select k.kpi_id, t.day, false
    from (select distinct kpi_id from series) as k
    cross join today as t
),

breaks as (
    -- nothing of the kind was recorded for more than a year: missing is not zero there
    select
        kpi_id, lag(day) over (partition by kpi_id order by day, is_record desc) as last_day, day as first_day, is_record
    from known
    qualify coalesce(day - last_day > 366, true)
),

cells as (
    select
        i.kpi_id, p.period_grain, p.period_start, p.period_end, i.segment_dim, i.segment_value, i.source_id,
        coalesce(r.n, 0) as n, coalesce(r.n_censored, 0) as n_censored,
        b.kpi_id is not null and i.stat_type in ('sum', 'count') as is_partial,
        i.stat_type, i.is_additive, i.is_exact, i.min_n, i.min_cell, i.definition_version, i.wait_days,
        case when i.is_additive then coalesce(r.num, 0) else r.num end as num,
        r.den, r.num_max, r.num / nullif(r.den, 0) as ratio, coalesce(k.clusters, r.n) as clusters,
        coalesce(k.num_squared, r.num_squared) as num_squared, coalesce(k.den_squared, r.den_squared) as den_squared,
        coalesce(k.num_den, r.num_den) as num_den,
        r.value as median_value, r.ci_low as median_low, r.ci_high as median_high
    from spans as s
    inner join series as i on i.series = s.series
    inner join periods as p on p.period_grain = s.period_grain and p.period_start >= s.first_start
    anti join breaks as g on g.kpi_id = i.kpi_id and p.period_start > g.last_day and p.period_end <= g.first_day
    left join breaks as b
        on b.kpi_id = i.kpi_id and b.is_record and p.period_start < b.first_day and p.period_end > b.first_day
    left join rolled as r on r.cell = i.series * 10000000 + p.period_key
    left join clustered as k on k.cell = i.series * 10000000 + p.period_key
),

spreads as (
    select
        *,
        case clusters - 1
            when 1 then 12.7062 when 2 then 4.30265 when 3 then 3.18245 when 4 then 2.77645
            else
                1.959964 + 2.372271 / nullif(clusters - 1, 0) + 2.822499 / nullif(clusters - 1, 0) ** 2
                + 2.555850 / nullif(clusters - 1, 0) ** 3
        end as t_quantile,
        sqrt(greatest(num_squared - num * num / nullif(n, 0), 0) / nullif(n - 1, 0) / nullif(n, 0)) as mean_error,
        sqrt(
            greatest(num_squared - 2 * ratio * num_den + ratio * ratio * den_squared, 0)
            * clusters / nullif(clusters - 1, 0)
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
            when stat_type in ('mean', 'proportion', 'ratio', 'snapshot_ratio') then ratio
            when stat_type = 'snapshot_max' then num_max
            when stat_type = 'nps' then 100 * ratio
            when stat_type = 'duration' then median_value
        end as value,
        case case when not is_exact then stat_type end
            when 'sum' then num - 1.959964 * sqrt(num_squared)
            when 'count' then case when num > 0 then num * (1 - 1 / (9.0 * num) - 1.959964 / (3 * sqrt(num))) ** 3 else 0.0 end
            when 'mean' then ratio - t_quantile * mean_error
            when 'proportion' then case when n > 0 then least(greatest(wilson_middle - wilson_half, 0), ratio) end
            when 'ratio' then ratio - t_quantile * ratio_error
            when 'snapshot_ratio' then ratio - t_quantile * ratio_error
            when 'nps' then case when n > 0 then greatest(100 * ratio - 1.959964 * nps_error, -100) end
            when 'duration' then median_low
        end as ci_low,
        case case when not is_exact then stat_type end
            when 'sum' then num + 1.959964 * sqrt(num_squared)
            when 'count' then (num + 1) * (1 - 1 / (9.0 * (num + 1)) + 1.959964 / (3 * sqrt(num + 1))) ** 3
            when 'mean' then ratio + t_quantile * mean_error
            when 'proportion' then case when n > 0 then greatest(least(wilson_middle + wilson_half, 1), ratio) end
            when 'ratio' then ratio + t_quantile * ratio_error
            when 'snapshot_ratio' then ratio + t_quantile * ratio_error
            when 'nps' then case when n > 0 then least(100 * ratio + 1.959964 * nps_error, 100) end
            when 'duration' then median_high
        end as ci_high
    from spreads
),

small as (
    select
        kpi_id, period_grain, period_start, segment_dim, segment_value, source_id, n + n_censored < min_cell as is_small,
        count(*) filter (where n + n_censored < min_cell) over siblings as small_siblings,
        row_number() over (
            partition by kpi_id, period_grain, period_start, segment_dim, source_id, n + n_censored < min_cell
            order by n + n_censored, segment_value
        ) as place
    from estimates
    where min_cell > 1 and n + n_censored > 0
    window siblings as (partition by kpi_id, period_grain, period_start, segment_dim, source_id)
),

hidden as (
    -- a single hidden cell would follow from the whole and the others
    select kpi_id, period_grain, period_start, segment_dim, segment_value, source_id, is_small
    from small
    where is_small or (segment_dim <> 'all' and small_siblings = 1 and place = 1)
),

judged as (
    select
        e.* replace (
            case when h.kpi_id is null then e.num end as num,
            case when h.kpi_id is null then e.den end as den,
            case when h.kpi_id is null then e.value end as value,
            case when h.kpi_id is null then e.ci_low end as ci_low,
            case when h.kpi_id is null then e.ci_high end as ci_high
        ),
        h.is_small,
        e.period_end + e.wait_days <= t.day and not e.is_partial
        and case when e.stat_type = 'duration' then e.value is not null else e.n_censored = 0 end as is_mature
    from estimates as e
    cross join today as t
    left join hidden as h
        on h.kpi_id = e.kpi_id and h.period_grain = e.period_grain and h.period_start = e.period_start
        and h.segment_dim = e.segment_dim and h.segment_value = e.segment_value and h.source_id = e.source_id
),

told as (
    select
        *,
        case
            when is_small is not null then 'suppressed'
            when n + n_censored = 0 and value is null then 'no_data'
            when stat_type = 'duration' and value is null then 'median_not_reached'
            when is_partial then 'partial'
            when not is_mature then 'immature'
            when value is null then 'no_data'
            when n < min_n and not is_additive and stat_type <> 'snapshot_max' then 'too_few'
            else 'ok'
        end as status
    from judged
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
    status,
    case status
        when 'suppressed' then
            case when is_small then 'fewer units than may be shown' else 'would tell a cell that may not be shown' end
        when 'no_data' then 'no records that count in the period'
        when 'median_not_reached' then 'fewer than half of the cases have ended'
        when 'partial' then 'records begin inside the period'
        when 'immature' then case when n_censored > 0 then 'units are too young' else 'the period is not over' end
        when 'too_few' then 'fewer units than the minimum'
    end as reason,
    is_mature,
    period_end + wait_days as mature_after,
    'crm' as data_origin,
    definition_version,
    $run_id as run_id,
    now() as computed_at
from told
