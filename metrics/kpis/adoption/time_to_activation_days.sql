-- Question: how long after getting access did each person first record work?
-- Grain:    one row per user_id; observed once they recorded work
-- Excludes: integration users; people who had access before history was kept, whose first day nobody knows
with firsts as (
    select user_id, min(activity_date) as first_date from core.user_day where core_actions > 0 group by user_id
)

select
    u.user_id as unit_id,
    u.provisioned_at as event_at,
    u.user_id as owner_id,
    u.team_id,
    greatest(
        epoch(
            coalesce(timezone($timezone, cast(f.first_date as timestamp)), u.deactivated_at, $as_of) - u.provisioned_at
        ) / 86400.0,
        0.0
    ) as num,
    1.0 as den,
    f.first_date is not null as observed,
    u.source_id,
    u.role_name
from core.app_user as u
inner join core.source_instance as s on s.source_id = u.source_id
left join firsts as f on f.user_id = u.user_id
where u.is_human and u.is_licensed and u.provisioned_at <= $as_of
    and cast(timezone($timezone, u.provisioned_at) as date) >= s.history_available_from
