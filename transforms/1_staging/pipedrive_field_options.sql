-- Choices of Pipedrive fields
-- Grain:    one row per source_id, object, column_name, option_id
-- Excludes: fields without choices
select
    _source_id as source_id,
    object,
    column_name,
    option_id,
    option_label
from raw_pipedrive.field_options
where option_id is not null and not coalesce(_deleted, false)
qualify row_number() over (partition by _source_id, object, column_name, option_id order by code) = 1
