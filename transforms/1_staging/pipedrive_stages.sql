-- Pipedrive stages records, as they are
-- Grain:    one row per source_id, stage_native_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    id as stage_native_id,
    pipeline_id as pipeline_native_id,
    name as label,
    try_cast(order_nr as integer) as sort_order,
    try_cast(deal_probability as double) as probability_pct,
    coalesce(try_cast(is_deleted as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_pipedrive.stages
