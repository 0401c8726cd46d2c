-- Question: which objects were not read for more than 30 hours?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: nothing
select
    stream as object,
    cast(null as varchar) as field,
    source_id,
    cast(max(window_until) < $as_of - interval 30 hour as integer) as failing_rows,
    1 as total_rows,
    [cast(max(window_until) as varchar)] as sample_ids
from ops.load
group by source_id, stream
