-- Question: which amounts cannot be converted?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: deleted deals, deals without an amount
select
    'opportunity' as object,
    'currency_code' as field,
    source_id,
    count(*) filter (where amount_base is null) as failing_rows,
    count(*) as total_rows,
    min(opportunity_id, 5) filter (where amount_base is null) as sample_ids
from core.opportunity
where not is_deleted and amount_native is not null
group by source_id
