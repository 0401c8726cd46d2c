-- Question: which objects lag more than 30 hours behind the newest data we have?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: nothing
with newest as (
    select greatest(max(window_until), $as_of) as read_until from ops.load
)

select
    l.stream as object,
    cast(null as varchar) as field,
    l.source_id,
    cast(max(l.window_until) < any_value(n.read_until) - interval 30 hour as integer) as failing_rows,
    1 as total_rows,
    [cast(max(l.window_until) as varchar)] as sample_ids
from ops.load as l
cross join newest as n
group by l.source_id, l.stream
