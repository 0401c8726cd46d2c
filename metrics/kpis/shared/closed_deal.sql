-- Question: which deals were closed, and which count? (lost ones are there $with_lost, and count $counts_lost)
-- Grain:    one row per closed opportunity_id
-- Excludes: deleted deals; merged, duplicate, test and negative deals
select
    opportunity_id as unit_id,
    closed_at as event_at,
    initial_owner_id as owner_id,
    team_id,
    case when status = 'won' or $counts_lost then 1.0 else 0.0 end as num,
    1.0 as den,
    true as observed,
    source_id,
    account_id,
    amount_base,
    deal_type,
    lead_source,
    pipeline_name
from core.opportunity
where (status = 'won' or (status = 'lost' and $with_lost)) and is_countable and not is_deleted and closed_at <= $as_of
