-- Question: how did each effect grow with the time since go-live, and how well did the model fit before?
-- Grain:    one row per rollout_id, wave_id, kpi_id, look, as_of, weeks_since
-- Excludes: verdicts on earlier definitions of a KPI; designs without untouched teams, and rollouts of more than
--           80 teams
select
    e.rollout_id,
    e.wave_id,
    e.kpi_id,
    e.look,
    e.as_of,
    cast(json_extract(s.step, '$.weeks') as integer) as weeks_since,
    json_extract_string(s.step, '$.phase') as phase,
    cast(json_extract(s.step, '$.change') as double) as effect,
    cast(json_extract(s.step, '$.low') as double) as effect_ci_low,
    cast(json_extract(s.step, '$.high') as double) as effect_ci_high,
    e.method like '%_ratio%' as is_relative
from evaluation.kpi_effect as e
inner join metrics.kpi as d on d.kpi_id = e.kpi_id and d.definition_version = e.definition_version
cross join unnest(cast(json_extract(e.diagnostics, '$.event_study') as json[])) as s (step)
