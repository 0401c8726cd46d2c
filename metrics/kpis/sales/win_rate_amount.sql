-- Question: how much of each closed deal's amount was won?
-- Grain:    one row per closed opportunity_id with a positive amount
-- Excludes: deleted deals; merged, duplicate, test and negative deals
select
    opportunity_id as unit_id,
    closed_at as event_at,
    initial_owner_id as owner_id,
    team_id,
    case when status = 'won' then cast(amount_base as double) else 0.0 end as num,
    cast(amount_base as double) as den,
    true as observed,
    source_id,
    account_id,
    amount_base,
    deal_type,
    lead_source,
    pipeline_name
from core.opportunity
where status in ('won', 'lost') and is_countable and not is_deleted and amount_base > 0 and closed_at <= $as_of
