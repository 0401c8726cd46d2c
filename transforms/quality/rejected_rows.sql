-- Question: which objects have rows that could not be read as the types the source declares?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: nothing; the newest load of each object
select
    stream as object,
    cast(null as varchar) as field,
    source_id,
    coalesce(max_by(rows_rejected, loaded_at), 0) as failing_rows,
    greatest(coalesce(max_by(rows_read, loaded_at), 0), 1) as total_rows,
    cast([] as varchar[]) as sample_ids
from ops.load
group by source_id, stream
