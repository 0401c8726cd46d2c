-- Question: how useful does each person find the CRM?
-- Grain:    one row per response_id
-- Excludes: deleted answers; other scales than 1-7
select
    r.response_id as unit_id,
    r.responded_at as event_at,
    cast(null as varchar) as owner_id,
    r.team_id,
    coalesce(list_avg(r.item_scores), r.score) as num,
    1.0 as den,
    true as observed,
    u.provisioned_at,
    u.role_name
from core.survey_response as r
left join core.app_user as u on u.user_id = r.user_id
where r.survey_kind = 'tam_pu' and coalesce(list_avg(r.item_scores), r.score) between 1 and 7 and r.audience = 'employee' and not r.is_deleted and r.responded_at <= $as_of
