-- Question: in which team was each user when?
-- Grain:    one row per user_id, valid_from
-- Excludes: nothing. Neither CRM keeps this history: it is what our nights have seen. Before the first night a user
--           counts as a member of the team they were first seen in; a user without a team then has a row without one
with sightings as (
    select user_id, team_id, seen_at from kept.user_team where seen_at < $as_of
    union all
    select user_id, team_id, $as_of from core.app_user
),

changes as (
    select user_id, team_id, seen_at, lag(seen_at) over earlier is null as is_first
    from sightings
    window earlier as (partition by user_id order by seen_at)
    qualify is_first or team_id is distinct from lag(team_id) over earlier
),

starts as (
    select user_id, team_id, case when is_first then timestamptz '1900-01-01 00:00:00+00' else seen_at end as valid_from
    from changes
)

select user_id, team_id, valid_from, lead(valid_from) over (partition by user_id order by valid_from) as valid_to
from starts
