-- Question: which records are nobody's business?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: deleted records. Deals whose name begins with a word for a test are counted all the same: a name proves nothing;
--           deals of test pipelines and the samples HubSpot puts into a new account are not (exclude_reason test)
select
    'opportunity' as object,
    'name' as field,
    source_id,
    count(*) filter (where is_suspect) as failing_rows,
    count(*) as total_rows,
    min(opportunity_id, 5) filter (where is_suspect) as sample_ids
from (
    select
        opportunity_id, source_id,
        exclude_reason is not distinct from 'test'
        or is_countable and regexp_matches(lower(coalesce(name, '')), '^\s*(test|testing|dummy|sample|тест|тестова|проба)(\W|\d|$)')
        as is_suspect
    from core.opportunity
    where not is_deleted
)
group by source_id
union all
select
    'contact' as object,
    'email' as field,
    source_id,
    count(*) filter (where is_sample) as failing_rows,
    count(*) as total_rows,
    min(contact_id, 5) filter (where is_sample) as sample_ids
from staging.hubspot_contacts
where not is_deleted
group by source_id
