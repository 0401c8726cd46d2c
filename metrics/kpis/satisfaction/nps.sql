-- Question: is each answer a promoter, a passive or a detractor?
-- Grain:    one row per respondent and ISO week, the newest answer
-- Excludes: answers on other scales than 0 to 10; deleted answers
select
    respondent_key || '|' || date_trunc('week', responded_at at time zone $timezone) as unit_id,
    max(responded_at) as event_at,
    cast(null as varchar) as owner_id,
    arg_max(team_id, responded_at) as team_id,
    cast(case
        when arg_max(score, responded_at) >= 9 then 1.0
        when arg_max(score, responded_at) <= 6 then -1.0
        else 0.0
    end as double) as num,
    cast(1.0 as double) as den,
    true as observed,
    any_value(source_id) as source_id
from core.survey_response
where
    survey_kind = 'nps' and audience = 'customer' and scale_min = 0 and scale_max = 10
    and not is_deleted and responded_at < $as_of
group by respondent_key, date_trunc('week', responded_at at time zone $timezone)
