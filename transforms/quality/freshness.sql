-- Question: which objects lag more than 30 hours behind the newest data we have?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: files, which are of the past by nature: their KPIs end where they end (metrics.kpi.complete_until)
with streams as (
    select c.source_id, c.stream, c.read_until
    from ops.cursor as c
    anti join config.setting as s on s.name = 'source.' || c.source_id and s.value = 'files'
),

newest as (
    select greatest(max(read_until), $as_of) as read_until from streams
)

select
    s.stream as object,
    cast(null as varchar) as field,
    s.source_id,
    cast(s.read_until < n.read_until - interval 30 hour as integer) as failing_rows,
    1 as total_rows,
    [cast(s.read_until as varchar)] as sample_ids
from streams as s
cross join newest as n
