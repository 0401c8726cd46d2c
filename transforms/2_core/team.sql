-- Question: which teams are there?
-- Grain:    one row per team_id
-- Excludes: nothing; a team that exists in both CRMs is one team. The team above is that of the role above in Salesforce,
--           where anybody is in the team or below it
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
),

roles as (
    select
        child.name as team_name, parent.name as parent_name,
        'team:' || nullif(trim(regexp_replace(lower(child.name), '[^\p{L}\p{N}]+', '-', 'g'), '-'), '') as team_id,
        'team:' || nullif(trim(regexp_replace(lower(parent.name), '[^\p{L}\p{N}]+', '-', 'g'), '-'), '') as parent_team_id
    from staging.salesforce_user_role as child
    inner join staging.salesforce_user_role as parent on parent.role_id = child.parent_role_id
    where not child.is_deleted and not parent.is_deleted
),

above as (
    select distinct r.parent_team_id, r.parent_name
    from roles as r
    semi join named as n on n.team_id = r.team_id
),

teams as (
    select team_id, team_name, region, place from named where team_id is not null
    union all
    select parent_team_id, parent_name, null, 4 from above
)

select
    t.team_id,
    min_by(t.team_name, (t.place, t.team_name)) as name,
    min(r.parent_team_id) as parent_team_id,
    cast(min(t.region) as varchar) as region,
    cast(null as varchar) as segment
from teams as t
left join roles as r on r.team_id = t.team_id and r.parent_team_id <> t.team_id
group by t.team_id
