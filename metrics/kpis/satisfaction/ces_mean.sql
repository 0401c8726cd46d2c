-- Question: how far does each customer agree that it was easy?
-- Grain:    one row per response_id
-- Excludes: deleted answers, other scales than 1-7 (the older version where less is better)
select
    r.response_id as unit_id,
    r.responded_at as event_at,
    cast(null as varchar) as owner_id,
    r.team_id,
    r.score as num,
    1.0 as den,
    true as observed,
    r.source_id,
    r.account_id,
    r.channel,
    t.priority,
    t.category
from core.survey_response as r
left join core.ticket as t on t.ticket_id = r.ticket_id
where r.survey_kind = 'ces' and r.audience = 'customer' and r.scale_min = 1 and r.scale_max = 7
    and r.score is not null and not r.is_deleted and r.responded_at <= $as_of
