-- Question: how many rows of files without an id are equal to another row in every mapped column?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: deleted records, sources other than files; the first of equal rows. Such a record's id is a hash of its content, with a
--           number from the second on
with records as (
    select 'opportunity' as object, source_id, native_id from core.opportunity where not is_deleted
    union all
    select 'lead' as object, source_id, native_id from core.lead where not is_deleted
    union all
    select 'ticket' as object, source_id, native_id from core.ticket where not is_deleted
    union all
    select 'activity' as object, source_id, native_id from core.activity where not is_deleted
    union all
    select 'survey_response' as object, source_id, native_id from core.survey_response where not is_deleted
),

of_files as (
    select r.object, r.source_id, r.native_id, regexp_full_match(r.native_id, '[0-9a-f]{24}-[0-9]+') as is_equal
    from records as r
    inner join config.setting as s on s.name = 'source.' || r.source_id and s.value = 'files'
)

select
    object,
    cast(null as varchar) as field,
    source_id,
    count(*) filter (where is_equal) as failing_rows,
    count(*) as total_rows,
    min(native_id, 5) filter (where is_equal) as sample_ids
from of_files
group by object, source_id
