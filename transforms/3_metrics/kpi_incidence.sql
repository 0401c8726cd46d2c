-- Question: which share of the cases has ended in each way by the KPI's horizon, the unfinished ones counted for what is known?
-- Grain:    one row per kpi_id, cause, period_grain, period_start, segment_dim, segment_value, source_id
-- Excludes: KPIs whose cases end in one way only; days and weeks; segments but everybody, teams and waves
-- Aalen and Johansen 1978 (metrics.cohorts).
select
    w.kpi_id, w.cause, p.period_grain, p.period_start, w.segment_dim, w.segment_value, w.source_id, w.horizon_days, w.n,
    w.n_ended, w.n_censored, w.value, w.ci_low, w.ci_high, w.half_time
from metrics.kpi_way as w
inner join core.calendar as p on p.period_key = w.period_key and p.day = p.period_start
