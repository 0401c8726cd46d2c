-- Question: for whom did it work: how large was the effect in each segment, and do segments differ by more than chance?
-- Grain:    one row per rollout_id, kpi_id, look, as_of, segment_dim, segment_value
-- Excludes: verdicts on earlier definitions of a KPI; single waves, provisional estimates, segmentations with more
--           than 24 segments; estimates of segments with
--           fewer than 30 records on a side
select
    e.rollout_id,
    e.kpi_id,
    e.look,
    e.as_of,
    json_extract_string(s.part, '$.dim') as segment_dim,
    json_extract_string(s.part, '$.segment') as segment_value,
    cast(json_extract(s.part, '$.n_pre') as bigint) as n_pre,
    cast(json_extract(s.part, '$.n_post') as bigint) as n_post,
    cast(json_extract(s.part, '$.effect') as double) as effect,
    cast(json_extract(s.part, '$.effect_low') as double) as effect_ci_low,
    cast(json_extract(s.part, '$.effect_high') as double) as effect_ci_high,
    cast(json_extract(s.part, '$.pooled') as double) as pooled_effect,
    cast(json_extract(s.part, '$.pooled_low') as double) as pooled_ci_low,
    cast(json_extract(s.part, '$.pooled_high') as double) as pooled_ci_high,
    cast(json_extract(s.part, '$.heterogeneity_p') as double) as heterogeneity_p,
    e.method like '%_ratio%' or (e.diagnostics ->> '$.scale') = 'log' as is_relative
from evaluation.kpi_effect as e
inner join metrics.kpi as d on d.kpi_id = e.kpi_id and d.definition_version = e.definition_version
cross join unnest(cast(json_extract(e.diagnostics, '$.segments') as json[])) as s (part)
