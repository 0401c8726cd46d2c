-- Question: was each deal won within its first $h_days days?
-- Grain:    one row per opportunity_id; observed once it is that old
-- Excludes: deleted deals; merged, duplicate, test and negative deals
select
    opportunity_id as unit_id,
    created_at as event_at,
    initial_owner_id as owner_id,
    team_id,
    case when status = 'won' and closed_at < created_at + to_hours(24 * cast($h_days as integer)) then 1.0 else 0.0 end as num,
    1.0 as den,
    created_at + to_hours(24 * cast($h_days as integer)) <= $as_of as observed,
    source_id,
    account_id,
    amount_base,
    deal_type,
    lead_source,
    pipeline_name
from core.opportunity
where is_countable and not is_deleted and created_at <= $as_of
