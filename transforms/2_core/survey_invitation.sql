-- Question: who was asked, and who of them answered?
-- Grain:    one row per invitation_id
-- Excludes: nothing; deleted invitations are flagged
-- An invitation has at most one answer and an answer at most one invitation: the one it names, else the newest to the
-- same person, of its kind and wave, on its day or before. Anonymous answers stay without an invitation: how many of a
-- wave answered, survey_response_rate counts.
with invitations as (
    select
        i.*,
        coalesce(i.sent_at, timezone($timezone, cast(i.sent_date as timestamp))) as asked_at,
        sha256($salt || lower(trim(i.respondent))) as person_key
    from staging.files_survey_invitation as i
),

named as (
    select response_id, min_by(invitation_id, (is_deleted, asked_at, invitation_id)) as invitation_id
    from invitations
    where response_id is not null
    group by response_id
),

asked as (
    -- each answer's newest invitation; a day is not before an instant of the same day
    select r.response_id, r.responded_at, max_by(i.invitation_id, (not i.is_deleted, i.asked_at, i.invitation_id)) as invitation_id
    from core.survey_response as r
    inner join invitations as i
        on i.person_key = r.respondent_key and i.survey_kind = r.survey_kind and i.wave is not distinct from r.wave
    where not r.is_deleted and i.response_id is null
        and coalesce(cast(timezone($timezone, i.asked_at) as date) <= cast(timezone($timezone, r.responded_at) as date), true)
        and r.response_id not in (select response_id from named)
    group by r.response_id, r.responded_at
),

matches as (
    select response_id, invitation_id from named
    union all
    select min_by(response_id, (responded_at, response_id)), invitation_id from asked group by invitation_id
),

people as (
    select person_key, min_by(team_id, (not is_active, user_id)) as team_id
    from core.app_user
    where person_key is not null
    group by person_key
),

people_outside as (
    select person_key, min_by(account_id, (is_deleted, contact_id)) as account_id
    from core.contact
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
    o.account_id,
    m.response_id,
    i.is_deleted,
    i._extracted_at,
    i._run_id
from invitations as i
left join matches as m using (invitation_id)
left join people as p on p.person_key = i.person_key
left join people_outside as o on o.person_key = i.person_key
