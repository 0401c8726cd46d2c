-- Question: does each comment name a weak spot?
-- Grain:    one row per response_id
-- Excludes: deleted answers; answers without a comment, whose text stays in the source: its theme or sentiment tells of one
select
    response_id as unit_id,
    responded_at as event_at,
    cast(null as varchar) as owner_id,
    team_id,
    case when sentiment = 'negative' then 1.0 else 0.0 end as num,
    1.0 as den,
    true as observed,
    theme
from core.survey_response
where coalesce(sentiment, theme) is not null and (audience = 'employee' or user_id is not null) and not is_deleted and responded_at <= $as_of
