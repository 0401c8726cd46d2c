-- Question: how usable does each person find the CRM?
-- Grain:    one row per response_id
-- Excludes: deleted answers; answers with an item missing or off the scale of 1 to 5
select
    r.response_id as unit_id,
    r.responded_at as event_at,
    cast(null as varchar) as owner_id,
    r.team_id,
    2.5 * (
        (r.item_scores[1] - 1) + (5 - r.item_scores[2])
        + (r.item_scores[3] - 1) + (5 - r.item_scores[4])
        + (r.item_scores[5] - 1) + (5 - r.item_scores[6])
        + (r.item_scores[7] - 1) + (5 - r.item_scores[8])
        + (r.item_scores[9] - 1) + (5 - r.item_scores[10])
    ) as num,
    1.0 as den,
    true as observed,
    u.provisioned_at,
    u.role_name
from core.survey_response as r
left join core.app_user as u on u.user_id = r.user_id
where r.survey_kind = 'sus' and len(r.item_scores) = 10
    and list_min(r.item_scores) >= 1 and list_max(r.item_scores) <= 5 and list_count(r.item_scores) = 10
     and r.audience = 'employee' and not r.is_deleted and r.responded_at <= $as_of
