-- Question: how old was the newest data of each object tonight?
-- Grain:    one row per source_id and object that was ever loaded
-- Excludes: nothing
select
    source_id || '|' || object as unit_id,
    $as_of - interval 1 microsecond as event_at,
    cast(null as varchar) as owner_id,
    cast(null as varchar) as team_id,
    greatest(epoch($as_of - max(high_watermark)) / 3600.0, 0.0) as num,
    1.0 as den,
    true as observed,
    source_id,
    object
from ops.run
where step = 'load' and state = 'success' and object <> '' and high_watermark is not null
group by source_id, object
