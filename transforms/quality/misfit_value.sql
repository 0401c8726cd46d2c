-- Question: in which columns are values unknown because they do not fit the type the source declares?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: records that were read again since, or are gone
with loaded as (
    select source_id, stream, coalesce(max_by(rows_in_table, loaded_at), 0) as rows_in_table
    from ops.load
    group by source_id, stream
)

select
    m.stream as object,
    m.field,
    m.source_id,
    count(*) as failing_rows,
    greatest(any_value(l.rows_in_table), 1) as total_rows,
    min(m.record_id, 5) as sample_ids
from ops.misfit_value as m
left join loaded as l using (source_id, stream)
group by m.stream, m.field, m.source_id
