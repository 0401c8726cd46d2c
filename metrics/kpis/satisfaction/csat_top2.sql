-- Question: is each customer satisfied?
-- Grain:    one row per answer
-- Excludes: answers of employees; deleted answers
select
    response_id as unit_id,
    responded_at as event_at,
    cast(null as varchar) as owner_id,
    team_id,
    cast(case when score >= scale_max - 1 then 1.0 else 0.0 end as double) as num,
    cast(1.0 as double) as den,
    true as observed,
    source_id
from core.survey_response
where survey_kind = 'csat' and audience = 'customer' and score is not null and not is_deleted and responded_at < $as_of
