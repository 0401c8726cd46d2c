-- Question: how do figures people brought from before the CRM compare with ours since?
-- Grain:    one row per kpi_id, segment_dim, segment_value, legacy_start, legacy_end
-- Excludes: nothing; figures that cannot be compared say so
-- Each figure stands beside the newest mature period of the same length since the first go-live, of the same season where
-- there is one. One figure knows neither a trend nor controls: no verdict beyond inconclusive can come of it.
with first_live as (
    select min(go_live_date) as day from config.rollout_wave where not is_control
),

brought as (
    select
        v.*, l.comparability, l.evidence_ref
    from metrics.kpi_value as v
    left join config.legacy_kpi_period as l
        on l.kpi_id = v.kpi_id and l.period_start = v.period_start and l.period_end = v.period_end
        and (l.segment_key = v.segment_value or l.segment_key = v.segment_dim || ':' || v.segment_value)
    where v.data_origin = 'legacy_aggregate'
),

since as (
    select
        b.kpi_id, b.segment_dim, b.segment_value, b.period_start as legacy_start, b.period_end as legacy_end, v.period_start, v.period_end, v.value, v.n,
        v.ci_low, v.ci_high, extract(month from v.period_start) = extract(month from b.period_start) as is_same_season
    from brought as b
    inner join metrics.kpi_value as v
        on v.kpi_id = b.kpi_id and v.segment_dim = b.segment_dim and v.segment_value = b.segment_value
        and v.period_grain = b.period_grain and v.source_id = 'all' and v.data_origin <> 'legacy_aggregate'
    inner join first_live as f on v.period_start >= f.day
    where v.is_mature and v.value is not null
    qualify row_number() over (
        partition by b.kpi_id, b.segment_dim, b.segment_value, b.period_start, b.period_end
        order by extract(month from v.period_start) = extract(month from b.period_start) desc, v.period_start desc
    ) = 1
)

select
    b.kpi_id,
    b.segment_dim,
    b.segment_value,
    b.period_start as legacy_start,
    b.period_end as legacy_end,
    b.value as legacy_value,
    b.n as legacy_n,
    b.comparability,
    b.evidence_ref,
    s.period_start,
    s.period_end,
    s.value,
    s.n,
    s.ci_low,
    s.ci_high,
    s.is_same_season,
    s.value - b.value as change,
    (s.value - b.value) / nullif(abs(b.value), 0) as change_rel,
    case when b.comparability = 'not_comparable' then 'not_comparable' else 'inconclusive' end as verdict,
    case
        when b.comparability = 'not_comparable' then 'it was measured in another way'
        when s.value is null then 'no mature period of this length since the first go-live'
        when b.n is null then 'a figure without n: a point comparison only'
        else 'one figure from before knows neither a trend nor controls'
    end as reason
from brought as b
left join since as s
    on s.kpi_id = b.kpi_id and s.segment_dim = b.segment_dim and s.segment_value = b.segment_value
    and s.legacy_start = b.period_start and s.legacy_end = b.period_end
