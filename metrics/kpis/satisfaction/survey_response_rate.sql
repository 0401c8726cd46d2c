-- Question: was each invitation to a survey answered within $h_days days?
-- Grain:    one row per invitation_id; observed once that time is over
-- Excludes: deleted invitations, and those of which nobody knows when they were sent
-- Nobody knows whose an anonymous answer is: those of a wave (of a team, where answers tell it) are spread evenly over
-- its invitations without an answer. Team and company are those of who was asked, whether they answered or not.
with invitations as (
    select
        i.*,
        coalesce(r.responded_at < i.sent_at + to_days(cast($h_days as integer)), i.response_id is not null) as is_answered
    from core.survey_invitation as i
    left join core.survey_response as r on r.response_id = i.response_id and not r.is_deleted
    where i.sent_at <= $as_of and not i.is_deleted
),

waves as (
    select survey_kind, wave, min(sent_at) as first_at, max(sent_at) as last_at, count(*) as waiting
    from invitations
    where not is_answered and wave is not null
    group by all
),

teams as (
    select survey_kind, wave, team_id, count(*) as waiting
    from invitations
    where not is_answered and wave is not null and team_id is not null
    group by all
),

anonymous as (
    select r.survey_kind, r.wave, t.team_id, count(*) as answers
    from core.survey_response as r
    inner join waves as w
        on w.survey_kind = r.survey_kind and w.wave = r.wave and r.responded_at >= w.first_at - interval 1 day
        and r.responded_at < w.last_at + to_days(cast($h_days as integer))
    left join teams as t on t.survey_kind = r.survey_kind and t.wave = r.wave and t.team_id = r.team_id
    where r.is_anonymous and not r.is_deleted
    group by all
)

select
    i.invitation_id as unit_id,
    i.sent_at as event_at,
    cast(null as varchar) as owner_id,
    i.team_id,
    case
        when i.is_answered then 1.0
        else
            least(1.0, coalesce(cast(a.answers as double) / t.waiting, 0.0) + coalesce(cast(o.answers as double) / w.waiting, 0.0))
    end as num,
    1.0 as den,
    i.sent_at + to_days(cast($h_days as integer)) <= $as_of as observed,
    i.source_id,
    i.account_id,
    i.survey_kind
from invitations as i
left join waves as w on w.survey_kind = i.survey_kind and w.wave = i.wave
left join teams as t on t.survey_kind = i.survey_kind and t.wave = i.wave and t.team_id = i.team_id
left join anonymous as a on a.survey_kind = i.survey_kind and a.wave = i.wave and a.team_id = i.team_id
left join anonymous as o on o.survey_kind = i.survey_kind and o.wave = i.wave and o.team_id is null
