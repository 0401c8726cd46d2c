-- Question: did who makes up a figure change, and how much of the plain difference did that alone make?
-- Grain:    one row per rollout_id, wave_id, kpi_id, look, as_of, segment_dim, segment_value
-- Excludes: verdicts on earlier definitions of a KPI; sums and counts, which have no mix; the difference is plain,
--           after less before: no effect is claimed here
with shifts as (
    select
        e.rollout_id, e.wave_id, e.kpi_id, e.look, e.as_of, e.diagnostics,
        unnest(json_keys(e.diagnostics, '$.mix')) as segment_dim
    from evaluation.kpi_effect as e
    inner join metrics.kpi as d on d.kpi_id = e.kpi_id and d.definition_version = e.definition_version
),

parts as (
    select s.*, json_extract(s.diagnostics, '$.mix."' || s.segment_dim || '"') as shift
    from shifts as s
)

select
    p.rollout_id,
    p.wave_id,
    p.kpi_id,
    p.look,
    p.as_of,
    p.segment_dim,
    json_extract_string(s.part, '$.segment') as segment_value,
    cast(json_extract(s.part, '$.share_before') as double) as share_before,
    cast(json_extract(s.part, '$.share_after') as double) as share_after,
    cast(json_extract(s.part, '$.value_before') as double) as value_before,
    cast(json_extract(s.part, '$.value_after') as double) as value_after,
    cast(json_extract(p.shift, '$.index') as double) as stability_index,
    cast(json_extract(p.shift, '$.within') as double) as within_segments,
    cast(json_extract(p.shift, '$.mix') as double) as mix_alone,
    coalesce((p.diagnostics ->> '$.mix_held.held') = p.segment_dim, false) as is_held_constant
from parts as p
cross join unnest(cast(json_extract(p.shift, '$.segments') as json[])) as s (part)
