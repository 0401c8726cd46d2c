-- Question: which share of the cases has ended in each way by the KPI's horizon, the unfinished ones counted for what is known?
-- Grain:    one row per kpi_id, cause, period_grain, period_start, segment_dim, segment_value, source_id
-- Excludes: KPIs whose cases end in one way only; days and weeks; segments but everybody, teams and waves
-- Aalen and Johansen 1978: with several ways to end, one minus Kaplan-Meier overstates each. The interval is that of
-- log(-log(share)) with the delta-method variance (Marubini and Valsecchi 1995, chapter 10). Cases that end at the same
-- time are taken one by one, those won before those lost.
with spells as (
    select s.kpi_id, s.segment_dim, s.segment_value, s.source_id, s.day, s.num, s.is_observed, s.cause, k.horizon_days,
        k.horizon_days * case k.unit when 'minutes' then 1440 when 'hours' then 24 else 1 end as horizon
    from metrics.kpi_spell as s
    inner join metrics.kpi as k on k.kpi_id = s.kpi_id
    where s.segment_dim in ('all', 'team', 'wave') and s.kpi_id in (select kpi_id from metrics.kpi_spell where cause is not null)
),

cells as (
    select
        s.kpi_id, p.period_grain, p.period_start, s.segment_dim, s.segment_value, s.source_id, s.num, s.is_observed,
        s.cause, s.horizon_days, s.horizon,
        hash(s.kpi_id, p.period_key, s.segment_dim, s.segment_value, s.source_id) as cell
    from spells as s
    inner join core.calendar as p on p.day = s.day and p.period_grain in ('month', 'quarter', 'year')
),

risk as (
    select
        *,
        count(*) over (partition by cell) - row_number() over (
            partition by cell order by num, not is_observed, cause desc
        ) + 1 as at_risk
    from cells
),

ends as (
    -- survival just before each end, and what it adds to the share of its own way to end
    select
        *,
        coalesce(sum(ln(1.0 - 1.0 / nullif(at_risk, 1))) over before, 0.0) as log_survival_before
    from risk
    where is_observed and num <= horizon
    window before as (partition by cell order by at_risk desc rows between unbounded preceding and 1 preceding)
),

ways as (
    select distinct kpi_id, cause from spells where cause is not null
),

steps as (
    select
        e.*, w.cause as way, e.cause = w.cause as is_own,
        exp(e.log_survival_before) as survival_before,
        sum(case when e.cause = w.cause then exp(e.log_survival_before) / e.at_risk else 0.0 end) over (
            partition by e.cell, w.cause order by e.at_risk desc rows unbounded preceding
        ) as share_so_far
    from ends as e
    inner join ways as w on w.kpi_id = e.kpi_id
),

totalled as (
    select *, max(share_so_far) over (partition by cell, way) as share from steps
),

shares as (
    select
        kpi_id, way, period_grain, period_start, segment_dim, segment_value, source_id, any_value(share) as share,
        count(*) filter (where is_own) as n_ended,
        min(num) filter (where is_own and share_so_far >= share / 2 - 1e-12) as half_time,
        sum(
            coalesce((share - share_so_far) ** 2 / nullif(at_risk * (at_risk - 1.0), 0), 0.0)
            + case when is_own then survival_before ** 2 * (at_risk - 1.0) / at_risk ** 3 else 0.0 end
            - case when is_own then 2 * (share - share_so_far) * survival_before / at_risk ** 2 else 0.0 end
            order by at_risk desc
        ) as variance
    from totalled
    group by all
),

sizes as (
    select
        kpi_id, period_grain, period_start, segment_dim, segment_value, source_id, any_value(horizon_days) as horizon_days,
        count(*) as n, count(*) filter (where not is_observed and num < horizon) as n_censored
    from cells
    group by all
),

banded as (
    select
        *,
        1.959963984540054 * sqrt(greatest(variance, 0)) / nullif(abs(share * ln(nullif(share, 0))), 0) as half_width
    from shares
)

select
    z.kpi_id, w.cause, z.period_grain, z.period_start, z.segment_dim, z.segment_value, z.source_id, z.horizon_days, z.n,
    coalesce(b.n_ended, 0) as n_ended, z.n_censored,
    coalesce(b.share, 0.0) as value,
    case when b.share < 1 then pow(b.share, exp(b.half_width)) end as ci_low,
    case when b.share < 1 then pow(b.share, exp(-b.half_width)) end as ci_high,
    b.half_time
from sizes as z
inner join ways as w on w.kpi_id = z.kpi_id
left join banded as b
    on b.kpi_id = z.kpi_id and b.way = w.cause and b.period_grain = z.period_grain and b.period_start = z.period_start
    and b.segment_dim = z.segment_dim and b.segment_value = z.segment_value and b.source_id = z.source_id
