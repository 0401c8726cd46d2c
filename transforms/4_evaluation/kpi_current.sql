-- Question: what is the verdict on each KPI today, and what does tonight's estimate say beside it?
-- Grain:    one row per rollout_id, wave_id, kpi_id, segment_dim, segment_value
-- Excludes: looks older than the newest frozen one; before the first frozen look the verdict is 'inconclusive' with the
--           reason 'provisional' (or what stopped tonight's estimate) and tonight's figures. While a finding blocks the
--           KPI's data, it is not comparable, whatever an earlier look said
with ranked as (
    select
        e.*,
        row_number() over (
            partition by rollout_id, wave_id, kpi_id, segment_dim, segment_value, look = 'provisional'
            order by case when look = 'provisional' then computed_at end desc nulls last, as_of desc, computed_at desc
        ) as recency
    from evaluation.kpi_effect e
    -- verdicts on an earlier definition of the KPI stay in kpi_effect, and are not mixed with those on the present one
    where not exists (
        select 1 from metrics.kpi k where k.kpi_id = e.kpi_id and k.definition_version <> e.definition_version
    )
),

frozen as (
    select * exclude (recency) from ranked where look <> 'provisional' and recency = 1
),

tonight as (
    select * exclude (recency) from ranked where look = 'provisional' and recency = 1
),

headline as (
    select frozen.*, true as is_frozen from frozen
    union all by name
    select tonight.*, false as is_frozen
    from tonight
    anti join frozen using (rollout_id, wave_id, kpi_id, segment_dim, segment_value)
),

goals as (
    select rollout_id, kpi_id, goal_id
    from config.goal_target
    qualify row_number() over (partition by rollout_id, kpi_id order by weight desc nulls last, goal_id) = 1
)

select
    h.rollout_id,
    h.wave_id,
    h.kpi_id,
    h.segment_dim,
    h.segment_value,
    g.goal_id,
    h.as_of,
    h.look,
    h.method,
    h.pre_start,
    h.pre_end,
    h.post_start,
    h.post_end,
    h.n_pre,
    h.n_post,
    h.pre_value,
    h.post_value,
    h.counterfactual_value,
    h.effect,
    h.effect_ci_low,
    h.effect_ci_high,
    h.effect_rel,
    h.effect_rel_ci_low,
    h.effect_rel_ci_high,
    h.p_value,
    h.q_value,
    h.min_important_change,
    h.mde80,
    case
        when d.reason = 'data_quality' then d.verdict
        when h.is_frozen or h.verdict = 'not_comparable' then h.verdict
        else 'inconclusive'
    end as verdict,
    case
        when d.reason = 'data_quality' then d.reason
        when h.is_frozen or h.verdict in ('not_comparable', 'inconclusive') then h.reason else 'provisional'
    end as reason,
    case when d.reason = 'data_quality' then list_distinct(list_concat(h.caveats, d.caveats)) else h.caveats end as caveats,
    h.diagnostics,
    cast(json_extract(h.diagnostics, '$.naive_change_rel') as double) as naive_change_rel,
    t.as_of as provisional_as_of,
    t.effect_rel as provisional_effect_rel,
    t.effect_rel_ci_low as provisional_ci_low,
    t.effect_rel_ci_high as provisional_ci_high,
    t.verdict as provisional_verdict,
    h.definition_version,
    h.data_origin,
    h.run_id,
    h.computed_at
from headline h
left join tonight t using (rollout_id, wave_id, kpi_id, segment_dim, segment_value)
left join tonight d
    on d.rollout_id = h.rollout_id and d.wave_id = h.wave_id and d.kpi_id = h.kpi_id and d.segment_dim = 'all'
left join goals g on g.rollout_id = h.rollout_id and g.kpi_id = h.kpi_id and h.segment_dim = 'all'
