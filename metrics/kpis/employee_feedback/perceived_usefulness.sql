-- Question: how useful does each person find the CRM?
-- Grain:    one row per response_id
-- Excludes: deleted answers; other scales than 1-7
select
    response_id as unit_id,
    responded_at as event_at,
    cast(null as varchar) as owner_id,
    team_id,
    coalesce(list_avg(item_scores), score) as num,
    1.0 as den,
    true as observed
from core.survey_response
where survey_kind = 'tam_pu' and coalesce(list_avg(item_scores), score) between 1 and 7 and audience = 'employee' and not is_deleted and responded_at <= $as_of
