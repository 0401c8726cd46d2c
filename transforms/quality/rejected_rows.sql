-- Question: which objects have records that were refused, and are not in our tables since?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: what was settled: read again since, or gone from the source
with refused as (
    select source_id, stream, count(distinct record_id) as failing_rows, min(distinct record_id, 5) as sample_ids
    from ops.rejected_row
    where settled_at is null
    group by source_id, stream
),

loaded as (
    select source_id, stream, coalesce(max_by(rows_in_table, loaded_at), 0) as rows_in_table
    from ops.load
    group by source_id, stream
)

select
    l.stream as object,
    cast(null as varchar) as field,
    l.source_id,
    coalesce(r.failing_rows, 0) as failing_rows,
    greatest(l.rows_in_table + coalesce(r.failing_rows, 0), 1) as total_rows,
    r.sample_ids
from loaded as l
left join refused as r using (source_id, stream)
