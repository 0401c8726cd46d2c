-- Question: which deals were entered twice?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: deleted and uncounted deals, deals without company or amount. The same company, name, amount and day: all but
--           the first are counted
with ranked as (
    select
        opportunity_id, source_id, account_id is not null and amount_native is not null and name is not null as is_known,
        row_number() over (
            partition by
                source_id, account_id, lower(trim(name)), amount_native, currency_code,
                cast(timezone($timezone, created_at) as date)
            order by created_at, opportunity_id
        ) as place
    from core.opportunity
    where not is_deleted and is_countable
)

select
    'opportunity' as object,
    cast(null as varchar) as field,
    source_id,
    count(*) filter (where is_known and place > 1) as failing_rows,
    count(*) as total_rows,
    min(opportunity_id, 5) filter (where is_known and place > 1) as sample_ids
from ranked
group by source_id
