-- Question: which figures people brought along name a KPI that there is none of?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: nothing
with brought as (
    select 'legacy_kpi_period' as object, kpi_id from config.legacy_kpi_period
    union all
    select 'benchmark' as object, kpi_id from config.benchmark
    union all
    select 'benefit_item' as object, kpi_id from config.benefit_item
    union all
    select 'goal_target' as object, kpi_id from config.goal_target
)

select
    b.object,
    'kpi_id' as field,
    cast(null as varchar) as source_id,
    count(*) filter (where k.kpi_id is null) as failing_rows,
    count(*) as total_rows,
    min(b.kpi_id, 5) filter (where k.kpi_id is null) as sample_ids
from brought as b
left join metrics.kpi as k on k.kpi_id = b.kpi_id
group by b.object
