-- Question: which open deals should have been decided long ago?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: deleted and excluded deals
select
    'opportunity' as object,
    'expected_close_date' as field,
    source_id,
    count(*) filter (where expected_close_date < cast(timezone($timezone, $as_of) as date)) as failing_rows,
    count(*) as total_rows,
    min(opportunity_id, 5) filter (where expected_close_date < cast(timezone($timezone, $as_of) as date)) as sample_ids
from core.opportunity
where status = 'open' and not is_deleted and is_countable
group by source_id
