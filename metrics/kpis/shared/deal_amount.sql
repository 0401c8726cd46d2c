-- Question: how much is each deal worth that was won ($counted won) or created ($counted created)?
-- Grain:    one row per opportunity_id with a known amount of at least $min_amount
-- Excludes: deleted deals; merged, duplicate, test and negative deals
select
    opportunity_id as unit_id,
    case when $counted = 'won' then closed_at else created_at end as event_at,
    initial_owner_id as owner_id,
    team_id,
    cast(amount_base as double) as num,
    1.0 as den,
    true as observed,
    source_id,
    account_id,
    amount_base,
    deal_type,
    lead_source,
    pipeline_name
from core.opportunity
where ($counted = 'created' or status = 'won') and is_countable and not is_deleted and amount_base >= $min_amount
    and case when $counted = 'won' then closed_at else created_at end <= $as_of
