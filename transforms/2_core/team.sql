-- Question: which teams are there?
-- Grain:    one row per team_id
-- Excludes: nothing; a team that exists in both CRMs is one team
select
    team_id,
    min(team_name) as name,
    cast(null as varchar) as parent_team_id,
    cast(null as varchar) as region,
    cast(null as varchar) as segment
from core.app_user
where team_id is not null
group by team_id
