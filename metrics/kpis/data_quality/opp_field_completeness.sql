-- Question: how many of the fields that matter are filled in on each deal?
-- Grain:    one row per deal, at the moment it was opened
-- Excludes: deleted, merged, duplicate, test and negative deals
select
    opportunity_id as unit_id,
    created_at as event_at,
    owner_id,
    team_id,
    cast(
        (amount_base is not null)::integer + (expected_close_date is not null)::integer
        + (account_id is not null)::integer + (lead_source is not null)::integer
        + case when status = 'lost' then (loss_reason is not null)::integer else 0 end as double
    ) as num,
    cast(case when status = 'lost' then 5.0 else 4.0 end as double) as den,
    true as observed,
    source_id
from core.opportunity
where is_countable and not is_deleted and created_at < $as_of
