-- Question: which keys came more than once in the newest read of their object, with different content?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: rows of equal content, which are one
with loaded as (
    select source_id, stream, max_by(rows_read, loaded_at) as rows_read
    from ops.load
    group by source_id, stream
)

select
    k.stream as object,
    cast(null as varchar) as field,
    k.source_id,
    count(*) as failing_rows,
    greatest(any_value(l.rows_read), 1) as total_rows,
    min(k.record_id, 5) as sample_ids
from ops.repeated_key as k
left join loaded as l using (source_id, stream)
group by k.stream, k.source_id
