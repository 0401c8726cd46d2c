-- Question: is each colleague who answered a promoter (1), passive (0) or a detractor (-1) of the CRM?
-- Grain:    one row per respondent_key and local month: the newest answer
-- Excludes: deleted answers, other scales than 0-10
select
    r.response_id as unit_id,
    r.responded_at as event_at,
    cast(null as varchar) as owner_id,
    r.team_id,
    case when r.score >= 9 then 1.0 when r.score <= 6 then -1.0 else 0.0 end as num,
    1.0 as den,
    true as observed,
    u.provisioned_at,
    u.role_name
from core.survey_response as r
left join core.app_user as u on u.user_id = r.user_id
where r.survey_kind = 'enps' and r.audience = 'employee' and r.scale_min = 0 and r.scale_max = 10
    and r.score between 0 and 10 and not r.is_deleted and r.responded_at <= $as_of
qualify row_number() over (
    partition by coalesce(r.respondent_key, r.response_id), date_trunc('month', timezone($timezone, r.responded_at))
    order by r.responded_at desc, r.response_id
) = 1
