-- Question: which records lie before a break of more than a year in which nothing of their kind was recorded?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: nothing. The samples are the days from and to which such records go
select
    object,
    case when object in ('opportunity', 'ticket') then 'created_at' end as field,
    source_id,
    coalesce(sum(records) filter (where not is_newest), 0) as failing_rows,
    sum(records) as total_rows,
    min(first_day || ' to ' || last_day, 5) filter (where not is_newest) as sample_ids
from core.recorded_run
group by object, source_id
