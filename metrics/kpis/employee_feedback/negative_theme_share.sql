-- Question: does each comment name a weak spot?
-- Grain:    one row per response_id
-- Excludes: deleted answers; answers without a comment, whose text stays in the source: its theme or sentiment tells of one
select
    r.response_id as unit_id,
    r.responded_at as event_at,
    cast(null as varchar) as owner_id,
    r.team_id,
    case when r.sentiment = 'negative' then 1.0 else 0.0 end as num,
    1.0 as den,
    true as observed,
    u.provisioned_at,
    r.theme,
    u.role_name
from core.survey_response as r
left join core.app_user as u on u.user_id = r.user_id
where coalesce(r.sentiment, r.theme) is not null and (r.audience = 'employee' or r.user_id is not null) and not r.is_deleted and r.responded_at <= $as_of
