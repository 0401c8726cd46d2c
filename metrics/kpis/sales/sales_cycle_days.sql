-- Question: how long did each deal take to be decided?
-- Grain:    one row per opportunity_id; observed once it is won or lost
-- Excludes: deleted deals; merged, duplicate, test and negative deals; deals closed before they were created (a data-quality finding)
select
    opportunity_id as unit_id,
    created_at as event_at,
    initial_owner_id as owner_id,
    team_id,
    (epoch_us(coalesce(closed_at, $as_of)) - epoch_us(created_at)) / 1e6 / 86400.0 as num,
    1.0 as den,
    status <> 'open' as observed,
    source_id,
    account_id,
    amount_base,
    nullif(status, 'open') as cause,
    deal_type,
    lead_source,
    pipeline_name
from core.opportunity
where is_countable and not is_deleted and created_at <= $as_of
    and (status = 'open' or (closed_at >= created_at and closed_at <= $as_of))
