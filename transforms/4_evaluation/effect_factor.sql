-- Question: what drove it: which factor of a KPI moved (revenue = deals x size), and how much of the effect is each?
-- Grain:    one row per rollout_id, wave_id, kpi_id, look, as_of, factor_kpi_id
-- Excludes: segments; verdicts on earlier definitions of a KPI; KPIs without declared factors, effects that are no ratios;
--           factors add up on the log scale, the rest is theirs together
with effects as (
    select e.*, ln(1 + e.effect_rel) as log_effect
    from evaluation.kpi_effect as e
    inner join metrics.kpi as d on d.kpi_id = e.kpi_id and d.definition_version = e.definition_version
    where e.effect_rel > -1 and e.segment_dim = 'all'
),

paired as (
    select
        e.rollout_id, e.wave_id, e.kpi_id, e.look, e.as_of, f.kpi_id as factor_kpi_id, e.log_effect,
        f.log_effect as factor_log_effect, f.effect_rel, f.effect_rel_ci_low, f.effect_rel_ci_high, f.verdict
    from effects as e
    inner join metrics.kpi as k on k.kpi_id = e.kpi_id
    cross join unnest(k.factors) as u (factor)
    inner join effects as f
        on f.kpi_id = u.factor and f.rollout_id = e.rollout_id and f.wave_id = e.wave_id and f.look = e.look
        and (f.as_of = e.as_of or e.look <> 'provisional')
)

select
    rollout_id,
    wave_id,
    kpi_id,
    look,
    as_of,
    factor_kpi_id,
    effect_rel as factor_effect_rel,
    effect_rel_ci_low as factor_ci_low,
    effect_rel_ci_high as factor_ci_high,
    verdict as factor_verdict,
    factor_log_effect as log_contribution,
    log_effect as log_total,
    log_effect - sum(factor_log_effect) over (partition by rollout_id, wave_id, kpi_id, look, as_of) as log_unexplained
from paired
