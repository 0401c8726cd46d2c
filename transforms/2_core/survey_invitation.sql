-- Question: who was asked, and who of them answered?
-- Grain:    one row per invitation_id
-- Excludes: nothing; deleted invitations are flagged
-- An invitation without the answer's id is answered by the first answer of the same person to a survey of its kind and
-- wave. Anonymous answers stay without an invitation: their rate is answers over invitations of a wave.
with invitations as (
    select
        i.*,
        coalesce(i.sent_at, timezone($timezone, cast(i.sent_date as timestamp))) as asked_at,
        sha256($salt || lower(trim(i.respondent))) as person_key
    from staging.files_survey_invitation as i
),

matches as (
    select i.invitation_id, min_by(r.response_id, (r.responded_at, r.response_id)) as response_id
    from invitations as i
    inner join core.survey_response as r
        on r.respondent_key = i.person_key and r.survey_kind = i.survey_kind
        and r.wave is not distinct from i.wave and not r.is_deleted
        and (i.asked_at is null or r.responded_at >= i.asked_at)
    group by i.invitation_id
),

people as (
    select person_key, min_by(team_id, (not is_active, user_id)) as team_id
    from core.app_user
    where person_key is not null
    group by person_key
)

select
    i.invitation_id,
    i.source_id,
    i.survey_kind,
    coalesce(i.audience, case when i.survey_kind in ('enps', 'sus', 'tam_pu', 'tam_peou') then 'employee' else 'customer' end) as audience,
    i.survey_id,
    i.wave,
    i.asked_at as sent_at,
    i.person_key as respondent_key,
    coalesce(i.team_id, p.team_id) as team_id,
    coalesce(i.response_id, m.response_id) as response_id,
    i.is_deleted,
    i._extracted_at,
    i._run_id
from invitations as i
left join matches as m using (invitation_id)
left join people as p on p.person_key = i.person_key
