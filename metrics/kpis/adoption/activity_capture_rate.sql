-- Question: have the contacts of each won deal been logged (two or more by people, before it was won)?
-- Grain:    one row per won deal, at the moment it was won
-- Excludes: deleted, merged, duplicate, test and negative deals
with logged as (
    select
        a.opportunity_id,
        count(*) as activities
    from core.activity as a
    join core.opportunity as o using (opportunity_id)
    where not a.is_automated and not a.is_deleted and a.occurred_at <= o.closed_at
    group by a.opportunity_id
)

select
    o.opportunity_id as unit_id,
    o.closed_at as event_at,
    o.owner_id,
    o.team_id,
    cast(case when l.activities >= 2 then 1.0 else 0.0 end as double) as num,
    cast(1.0 as double) as den,
    true as observed,
    o.source_id
from core.opportunity as o
left join logged as l using (opportunity_id)
where o.status = 'won' and o.is_countable and not o.is_deleted and o.closed_at < $as_of
