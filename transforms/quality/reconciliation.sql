-- Question: do our tables hold as many records as the source says it has?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: objects the source does not count, and what it has forgotten since (histories, log-ins): we keep more of them
select
    stream as object,
    cast(null as varchar) as field,
    source_id,
    case
        when max_by(is_reconciled, loaded_at) then 0
        else abs(max_by(rows_in_table, loaded_at) - max_by(rows_in_source, loaded_at))
    end as failing_rows,
    greatest(max_by(rows_in_source, loaded_at), 1) as total_rows,
    cast([] as varchar[]) as sample_ids
from ops.load
where rows_in_source is not null and rows_in_table is not null
group by source_id, stream
