-- Question: for how many closed deals is the day of closing only what somebody typed?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: open, deleted and uncounted deals
select
    'opportunity' as object,
    'closed_at' as field,
    source_id,
    count(*) filter (where close_basis = 'close_date_field') as failing_rows,
    count(*) as total_rows,
    min(opportunity_id, 5) filter (where close_basis = 'close_date_field') as sample_ids
from core.opportunity
where status <> 'open' and not is_deleted and is_countable
group by source_id
