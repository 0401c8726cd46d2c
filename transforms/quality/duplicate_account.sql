-- Question: which companies are in a source more than once?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: deleted and merged accounts, accounts without a web domain. All but the oldest of a domain are counted
with ranked as (
    select
        account_id, source_id, domain is not null as is_known,
        row_number() over (partition by source_id, domain order by created_at, account_id) as place
    from core.account
    where not is_deleted and merged_into_id is null
)

select
    'account' as object,
    'domain' as field,
    source_id,
    count(*) filter (where is_known and place > 1) as failing_rows,
    count(*) as total_rows,
    min(account_id, 5) filter (where is_known and place > 1) as sample_ids
from ranked
group by source_id
