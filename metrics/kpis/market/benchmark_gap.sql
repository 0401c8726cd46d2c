-- Question: what is each KPI's newest final quarter beside what the market is said to do?
-- Grain:    one row per KPI with a usable benchmark: the closest definition, then the best grade, then the newest
-- Excludes: benchmarks with a loose definition, expired ones, and such of another unit of measurement than the KPI's own
with usable as (
    select b.*
    from config.benchmark as b
    inner join metrics.kpi as k on k.kpi_id = b.kpi_id
    where b.definition_match in ('exact', 'close') and b.value is not null and b.value <> 0
        and coalesce(b.expires_on >= cast(timezone($timezone, $as_of) as date), true) and coalesce(b.unit = k.unit, true)
    qualify row_number() over (
        partition by b.kpi_id
        order by b.definition_match <> 'exact', coalesce(b.quality_grade, 'Z'), b.retrieved_on desc, b.benchmark_id
    ) = 1
),

newest as (
    select v.kpi_id, v.value, v.ci_low, v.ci_high, v.n
    from metrics.kpi_value as v
    where v.period_grain = 'quarter' and v.segment_dim = 'all' and v.source_id = 'all' and v.status = 'ok'
    qualify row_number() over (partition by v.kpi_id order by v.period_start desc) = 1
)

select
    b.kpi_id, n.value, n.ci_low, n.ci_high, cast(coalesce(n.n, 0) as bigint) as n, b.value as benchmark,
    case when k.direction = 'lower' then -1.0 else 1.0 end as sign
from usable as b
inner join metrics.kpi as k on k.kpi_id = b.kpi_id
left join newest as n on n.kpi_id = b.kpi_id
order by b.kpi_id
