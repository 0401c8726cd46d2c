-- Question: how much did each won deal bring?
-- Grain:    one row per won opportunity_id with a known amount
-- Excludes: deleted deals; merged, duplicate, test and negative deals
select
    opportunity_id as unit_id,
    closed_at as event_at,
    initial_owner_id as owner_id,
    team_id,
    cast(amount_base as double) as num,
    1.0 as den,
    true as observed,
    source_id,
    account_id,
    deal_type,
    lead_source,
    pipeline_name
from core.opportunity
where status = 'won' and is_countable and not is_deleted and amount_base is not null and closed_at <= $as_of
