-- Question: did the effect grow with adoption: did teams that use the CRM more change more?
-- Grain:    one row per rollout_id, kpi_id, look, as_of
-- Excludes: verdicts on earlier definitions of a KPI; single waves, provisional estimates, fewer than 6 teams with
--           a known adoption
select
    e.rollout_id,
    e.kpi_id,
    e.look,
    e.as_of,
    'association' as evidence,
    cast(json_extract(e.diagnostics, '$.dose_response.teams') as integer) as teams,
    cast(json_extract(e.diagnostics, '$.dose_response.dose_low') as double) as adoption_low,
    cast(json_extract(e.diagnostics, '$.dose_response.dose_high') as double) as adoption_high,
    cast(json_extract(e.diagnostics, '$.dose_response.slope') as double) as slope,
    cast(json_extract(e.diagnostics, '$.dose_response.slope_low') as double) as slope_ci_low,
    cast(json_extract(e.diagnostics, '$.dose_response.slope_high') as double) as slope_ci_high,
    cast(json_extract(e.diagnostics, '$.dose_response.p_value') as double) as p_value,
    cast(json_extract(e.diagnostics, '$.dose_response.is_multiplicative') as boolean) as is_relative
from evaluation.kpi_effect as e
inner join metrics.kpi as d on d.kpi_id = e.kpi_id and d.definition_version = e.definition_version
where json_extract(e.diagnostics, '$.dose_response.slope') is not null and e.wave_id = 'all'
