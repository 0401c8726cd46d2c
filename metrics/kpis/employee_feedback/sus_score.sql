-- Question: how usable does each person find the CRM?
-- Grain:    one row per response_id
-- Excludes: deleted answers; answers with an item missing or off the scale of 1 to 5
select
    response_id as unit_id,
    responded_at as event_at,
    cast(null as varchar) as owner_id,
    team_id,
    2.5 * (
        (item_scores[1] - 1) + (5 - item_scores[2])
        + (item_scores[3] - 1) + (5 - item_scores[4])
        + (item_scores[5] - 1) + (5 - item_scores[6])
        + (item_scores[7] - 1) + (5 - item_scores[8])
        + (item_scores[9] - 1) + (5 - item_scores[10])
    ) as num,
    1.0 as den,
    true as observed
from core.survey_response
where survey_kind = 'sus' and len(item_scores) = 10
    and list_min(item_scores) >= 1 and list_max(item_scores) <= 5 and list_count(item_scores) = 10
     and audience = 'employee' and not is_deleted and responded_at <= $as_of
