-- Question: is each customer who answered satisfied?
-- Grain:    one row per response_id
-- Excludes: deleted answers, other scales than 1-5
select
    response_id as unit_id,
    responded_at as event_at,
    cast(null as varchar) as owner_id,
    team_id,
    case when score >= scale_max - 1 then 1.0 else 0.0 end as num,
    1.0 as den,
    true as observed,
    source_id,
    account_id,
    channel
from core.survey_response
where survey_kind = 'csat' and audience = 'customer' and scale_min = 1 and scale_max = 5
    and score is not null and not is_deleted and responded_at <= $as_of
