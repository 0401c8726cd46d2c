-- Question: how far does each customer agree that it was easy?
-- Grain:    one row per response_id
-- Excludes: deleted answers, other scales than 1-7 (the older version where less is better)
select
    response_id as unit_id,
    responded_at as event_at,
    cast(null as varchar) as owner_id,
    team_id,
    score as num,
    1.0 as den,
    true as observed,
    source_id,
    account_id,
    channel
from core.survey_response
where survey_kind = 'ces' and audience = 'customer' and scale_min = 1 and scale_max = 7
    and score is not null and not is_deleted and responded_at <= $as_of
