-- Question: how many of its required fields does each deal have?
-- Grain:    one row per opportunity_id
-- Excludes: deleted deals; merged, duplicate, test and negative deals
select
    opportunity_id as unit_id,
    created_at as event_at,
    initial_owner_id as owner_id,
    team_id,
    cast(
        cast(amount_native is not null as integer) + cast(expected_close_date is not null as integer)
        + cast(account_id is not null as integer) + cast(lead_source is not null as integer)
        + cast(status = 'lost' and loss_reason is not null as integer) as double
    ) as num,
    case when status = 'lost' then 5.0 else 4.0 end as den,
    true as observed,
    source_id,
    account_id,
    amount_base,
    deal_type,
    lead_source,
    pipeline_name
from core.opportunity
where is_countable and not is_deleted and created_at <= $as_of
