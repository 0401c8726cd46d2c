-- Question: which people are in a source more than once?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: deleted and merged contacts, contacts without an e-mail address. All but the oldest of an address are counted
with ranked as (
    select
        contact_id, source_id, person_key is not null as is_known,
        row_number() over (partition by source_id, person_key order by created_at, contact_id) as place
    from core.contact
    where not is_deleted and merged_into_id is null
)

select
    'contact' as object,
    'person_key' as field,
    source_id,
    count(*) filter (where is_known and place > 1) as failing_rows,
    count(*) as total_rows,
    min(contact_id, 5) filter (where is_known and place > 1) as sample_ids
from ranked
group by source_id
