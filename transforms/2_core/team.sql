-- Question: which teams are there?
-- Grain:    one row per team_id
-- Excludes: nothing; a team that exists in both CRMs is one team. The team above is that of the role above in Salesforce,
--           where anybody is in the team or below it
-- Region and segment are what the settings say; else what most of the team's people who are not gone have written on them
-- (files, or Region__c and Segment__c of a Salesforce User), the first by name where as many have another.
with named as (
    select team_id, team_name, 1 as place from core.app_user
    union all
    select team_id, team_name, 2 from staging.files_opportunity
    union all
    select team_id, team_name, 2 from staging.files_lead
    union all
    select team_id, team_name, 2 from staging.files_ticket
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
    select team_id, team_name, place from named where team_id is not null
    union all
    select parent_team_id, parent_name, 3 from above
),

people as (
    select user_id, region, segment from staging.files_user
    union all
    select user_id, region, segment from staging.salesforce_user
),

written as (
    select u.team_id, unnest(['region', 'segment']) as what, unnest([p.region, p.segment]) as told
    from people as p
    inner join core.app_user as u using (user_id)
    where u.team_id is not null and not u.is_deleted
),

common as (
    select team_id, what, told
    from written
    where told is not null
    group by team_id, what, told
    qualify row_number() over (partition by team_id, what order by count(*) desc, told) = 1
)

select
    t.team_id,
    min_by(t.team_name, (t.place, t.team_name)) as name,
    min(r.parent_team_id) as parent_team_id,
    cast(coalesce(min(s.region), min(c.told) filter (where c.what = 'region')) as varchar) as region,
    cast(coalesce(min(s.segment), min(c.told) filter (where c.what = 'segment')) as varchar) as segment
from teams as t
left join roles as r on r.team_id = t.team_id and r.parent_team_id <> t.team_id
left join config.team as s on s.team_id = t.team_id
left join common as c on c.team_id = t.team_id
group by t.team_id
