-- Question: was each closed deal won?
-- Grain:    one row per closed opportunity_id
-- Excludes: deleted deals; merged, duplicate, test and negative deals
select
    opportunity_id as unit_id,
    closed_at as event_at,
    initial_owner_id as owner_id,
    team_id,
    case when status = 'won' then 1.0 else 0.0 end as num,
    1.0 as den,
    true as observed,
    source_id,
    account_id,
    deal_type,
    lead_source,
    pipeline_name
from core.opportunity
where status in ('won', 'lost') and is_countable and not is_deleted and closed_at <= $as_of
