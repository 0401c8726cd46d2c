-- Question: how long did each deal stay in each open stage?
-- Grain:    one row per opportunity_id and seq of a stay in an open stage; observed once it was left
-- Excludes: deleted deals; merged, duplicate, test and negative deals; deals without a history of stages
select
    h.opportunity_id || '|' || h.seq as unit_id,
    h.entered_at as event_at,
    o.initial_owner_id as owner_id,
    o.team_id,
    (epoch_us(coalesce(h.exited_at, $as_of)) - epoch_us(h.entered_at)) / 1e6 / 86400.0 as num,
    1.0 as den,
    h.exited_at is not null as observed,
    o.source_id,
    o.account_id,
    o.amount_base,
    s.canonical_stage,
    o.deal_type,
    o.lead_source,
    o.pipeline_name
from core.opportunity_stage_history as h
inner join core.pipeline_stage as s on s.stage_key = h.stage_key
inner join core.opportunity as o on o.opportunity_id = h.opportunity_id
where not s.is_closed and o.is_countable and not o.is_deleted and h.basis <> 'current_record'
    and h.entered_at <= $as_of and coalesce(h.exited_at <= $as_of, true)
