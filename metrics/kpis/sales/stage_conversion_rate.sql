-- Question: did each deal get past each stage within $h_days days of first entering it?
-- Grain:    one row per opportunity_id and open stage_order first entered; observed once that time is over
-- Excludes: deleted deals; merged, duplicate, test and negative deals; deals whose only stage is the one they are in now
--           (no history). Skipped stages were passed; leaving a pipeline for another is not passing
with entries as (
    select h.opportunity_id, h.seq, h.entered_at, s.stage_order, s.is_closed, s.is_won, s.canonical_stage, s.pipeline_native_id
    from core.opportunity_stage_history as h
    inner join core.pipeline_stage as s on s.stage_key = h.stage_key
    where h.basis <> 'current_record' and h.entered_at <= $as_of
),

firsts as (
    select opportunity_id, pipeline_native_id, stage_order, canonical_stage, entered_at, seq
    from entries
    where not is_closed
    qualify row_number() over (partition by opportunity_id, pipeline_native_id, stage_order order by seq) = 1
),

passed as (
    select f.opportunity_id, f.pipeline_native_id, f.stage_order, min(n.entered_at) as passed_at
    from firsts as f
    inner join entries as n
        on n.opportunity_id = f.opportunity_id and n.pipeline_native_id is not distinct from f.pipeline_native_id
        and n.seq > f.seq and (n.is_won or (not n.is_closed and n.stage_order > f.stage_order))
    group by all
)

select
    f.opportunity_id || '|' || coalesce(f.pipeline_native_id, '') || '|' || f.stage_order as unit_id,
    f.entered_at as event_at,
    o.initial_owner_id as owner_id,
    o.team_id,
    case when p.passed_at < f.entered_at + to_hours(24 * cast($h_days as integer)) then 1.0 else 0.0 end as num,
    1.0 as den,
    f.entered_at + to_hours(24 * cast($h_days as integer)) <= $as_of as observed,
    o.source_id,
    o.account_id,
    o.amount_base,
    o.deal_type,
    o.lead_source,
    o.pipeline_name,
    f.canonical_stage
from firsts as f
inner join core.opportunity as o on o.opportunity_id = f.opportunity_id
left join passed as p
    on p.opportunity_id = f.opportunity_id and p.stage_order = f.stage_order
    and p.pipeline_native_id is not distinct from f.pipeline_native_id
where o.is_countable and not o.is_deleted
