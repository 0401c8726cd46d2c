-- Question: which teams are there?
-- Grain:    one row per team_id
-- Excludes: nothing; a team that exists in both CRMs is one team
with named as (
    select team_id, team_name, null as region, 1 as place from core.app_user
    union all
    select team_id, team_name, region, 2 from staging.files_user
    union all
    select team_id, team_name, null, 3 from staging.files_opportunity
    union all
    select team_id, team_name, null, 3 from staging.files_lead
    union all
    select team_id, team_name, null, 3 from staging.files_ticket
)

select
    team_id,
    min_by(team_name, (place, team_name)) as name,
    cast(null as varchar) as parent_team_id,
    cast(min(region) as varchar) as region,
    cast(null as varchar) as segment
from named
where team_id is not null
group by team_id
