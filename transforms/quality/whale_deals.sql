-- Question: does a handful of deals make up the revenue?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: deals that are not won, sources with fewer than 100 won deals. The largest hundredth are the failing ones when
--           they hold more than 30 % of the sum
with won as (
    select
        source_id, opportunity_id, amount_base, sum(amount_base) over (partition by source_id) as total,
        percent_rank() over (partition by source_id order by amount_base desc) as place,
        count(*) over (partition by source_id) as n
    from core.opportunity
    where status = 'won' and is_countable and not is_deleted and amount_base > 0
),

sums as (
    select
        source_id, count(*) filter (where place < 0.01) as largest, sum(amount_base) filter (where place < 0.01) as held,
        any_value(total) as total, any_value(n) as n, min(opportunity_id, 5) filter (where place < 0.01) as sample_ids
    from won
    group by source_id
)

select
    'opportunity' as object,
    'amount_base' as field,
    source_id,
    case when n >= 100 and held > 0.3 * total then largest else 0 end as failing_rows,
    n as total_rows,
    sample_ids
from sums
