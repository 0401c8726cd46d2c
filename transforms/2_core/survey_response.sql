-- Question: what did customers and employees answer?
-- Grain:    one row per response_id
-- Excludes: nothing. What they wrote in their own words stays in the raw tables
-- SUS has ten items of 1 to 5, odd ones good, even ones bad: the sum of (item - 1) and (5 - item) times 2.5 (Brooke 1996);
-- one missing item leaves it unknown. Perceived usefulness and ease of use are means of their items (Davis 1989). Who
-- answers without a name is counted as somebody else each time.
with files_answers as (
    select
        f.*,
        coalesce(f.responded_at, timezone($timezone, cast(f.responded_date as timestamp))) as answered_at,
        sha256($salt || lower(trim(f.respondent))) as respondent_person_key,
        case
            when f.survey_kind = 'sus' and len(list_filter(f.item_scores, lambda i: i between 1 and 5)) = 10
                then 2.5 * list_sum([
                    case when place % 2 = 1 then f.item_scores[place] - 1 else 5 - f.item_scores[place] end
                    for place in range(1, 11)
                ])
            when f.survey_kind in ('tam_pu', 'tam_peou') then list_avg(f.item_scores)
        end as item_score
    from staging.files_survey_response as f
),

people as (
    select person_key, min_by(user_id, (not is_active, user_id)) as user_id
    from core.app_user
    where person_key is not null
    group by person_key
),

people_outside as (
    select person_key, min_by(contact_id, (is_deleted, contact_id)) as contact_id
    from core.contact
    where person_key is not null
    group by person_key
),

answers as (
    select
        response_id, source_id, native_id, 'customer' as audience,
        case when lower(survey_type) in ('nps', 'csat', 'ces') then lower(survey_type) else 'pulse' end as survey_kind,
        survey_id, channel, contact_id, responded_at, score, is_deleted, _extracted_at, _run_id
    from staging.hubspot_feedback_submissions
    union all by name
    select
        f.response_id, f.source_id, f.native_id,
        coalesce(f.audience, case when f.survey_kind in ('enps', 'sus', 'tam_pu', 'tam_peou') then 'employee' else 'customer' end) as audience,
        f.survey_kind, coalesce(f.survey_id, f.question) as survey_id, f.wave, f.channel, f.respondent_person_key,
        f.account_id, coalesce(f.contact_id, o.contact_id) as contact_id, coalesce(f.user_id, p.user_id) as user_id,
        f.team_id, f.ticket_id, f.opportunity_id, f.answered_at as responded_at,
        coalesce(f.score, f.item_score) as score, f.scale_min, f.scale_max,
        case when len(list_filter(f.item_scores, lambda i: i is not null)) > 0 then f.item_scores end as item_scores,
        f.theme, case when f.theme is not null then 'given' end as theme_method, f.sentiment, f.is_deleted,
        f._extracted_at, f._run_id
    from files_answers as f
    left join people as p on p.person_key = f.respondent_person_key
    left join people_outside as o on o.person_key = f.respondent_person_key
)

select
    t.response_id,
    t.source_id,
    t.native_id,
    t.audience,
    t.survey_kind,
    t.survey_id,
    t.wave,
    t.channel,
    coalesce(c.person_key, t.respondent_person_key, t.contact_id, t.user_id, t.response_id) as respondent_key,
    coalesce(t.account_id, c.account_id) as account_id,
    t.contact_id,
    t.user_id,
    coalesce(t.team_id, m.team_id, u.team_id) as team_id,
    t.ticket_id,
    t.opportunity_id,
    t.responded_at,
    t.score,
    coalesce(t.scale_min, case
        when t.survey_kind in ('nps', 'enps', 'sus') then 0.0 when t.survey_kind <> 'pulse' then 1.0
    end) as scale_min,
    coalesce(t.scale_max, case t.survey_kind
        when 'nps' then 10.0 when 'enps' then 10.0 when 'csat' then 5.0 when 'ces' then 7.0 when 'sus' then 100.0
        when 'tam_pu' then 7.0 when 'tam_peou' then 7.0
    end) as scale_max,
    t.item_scores,
    t.theme,
    t.theme_method,
    t.sentiment,
    coalesce(c.person_key, t.respondent_person_key, t.contact_id, t.user_id) is null as is_anonymous,
    t.is_deleted,
    t._extracted_at,
    t._run_id
from answers as t
left join core.contact as c using (contact_id)
left join core.app_user as u on u.user_id = c.owner_id
left join core.app_user as m on m.user_id = t.user_id
