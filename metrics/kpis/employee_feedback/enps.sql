-- Question: is each colleague who answered a promoter (1), passive (0) or a detractor (-1) of the CRM?
-- Grain:    one row per respondent_key and local month: the newest answer
-- Excludes: deleted answers, other scales than 0-10
select
    response_id as unit_id,
    responded_at as event_at,
    cast(null as varchar) as owner_id,
    team_id,
    case when score >= 9 then 1.0 when score <= 6 then -1.0 else 0.0 end as num,
    1.0 as den,
    true as observed
from core.survey_response
where survey_kind = 'enps' and audience = 'employee' and scale_min = 0 and scale_max = 10
    and score between 0 and 10 and not is_deleted and responded_at <= $as_of
qualify row_number() over (
    partition by coalesce(respondent_key, response_id), date_trunc('month', timezone($timezone, responded_at))
    order by responded_at desc, response_id
) = 1
