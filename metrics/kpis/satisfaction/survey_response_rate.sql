-- Question: was each invitation to a survey answered within $h_days days?
-- Grain:    one row per invitation_id; observed once that time is over
-- Excludes: deleted invitations, and those of which nobody knows when they were sent
select
    i.invitation_id as unit_id,
    i.sent_at as event_at,
    cast(null as varchar) as owner_id,
    coalesce(i.team_id, r.team_id) as team_id,
    case
        when i.response_id is null then 0.0
        when coalesce(r.responded_at < i.sent_at + to_hours(24 * cast($h_days as integer)), true) then 1.0
        else 0.0
    end as num,
    1.0 as den,
    i.sent_at + to_hours(24 * cast($h_days as integer)) <= $as_of as observed,
    i.source_id,
    r.account_id,
    i.survey_kind
from core.survey_invitation as i
left join core.survey_response as r on r.response_id = i.response_id and not r.is_deleted
where i.sent_at <= $as_of and not i.is_deleted
