-- Question: what did customers answer?
-- Grain:    one row per response_id
-- Excludes: nothing. What they wrote in their own words stays in the raw tables
with typed as (
    select
        response_id, source_id, native_id, responded_at, score, survey_id, contact_id, channel, is_deleted, _extracted_at,
        _run_id, lower(survey_type) as survey_type
    from staging.hubspot_feedback_submissions
)

select
    t.response_id,
    t.source_id,
    t.native_id,
    'customer' as audience,
    case when t.survey_type in ('nps', 'csat', 'ces') then t.survey_type else 'pulse' end as survey_kind,
    t.survey_id,
    t.channel,
    coalesce(c.person_key, t.contact_id, t.response_id) as respondent_key,
    c.account_id,
    t.contact_id,
    u.team_id,
    t.responded_at,
    t.score,
    case t.survey_type when 'nps' then 0.0 when 'csat' then 1.0 when 'ces' then 1.0 end as scale_min,
    case t.survey_type when 'nps' then 10.0 when 'csat' then 5.0 when 'ces' then 7.0 end as scale_max,
    t.is_deleted,
    t._extracted_at,
    t._run_id
from typed as t
left join core.contact as c using (contact_id)
left join core.app_user as u on u.user_id = c.owner_id
