-- Question: how many deals are in another currency than the reports?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: deleted deals, deals without an amount
select
    'opportunity' as object,
    'currency_code' as field,
    o.source_id,
    count(*) filter (where o.currency_code <> r.base_currency) as failing_rows,
    count(*) as total_rows,
    min(o.opportunity_id, 5) filter (where o.currency_code <> r.base_currency) as sample_ids
from core.opportunity as o
inner join (select source_id, min(base_currency) as base_currency from core.fx_rate group by source_id) as r
    on r.source_id = o.source_id
where not o.is_deleted and o.amount_native is not null
group by o.source_id
