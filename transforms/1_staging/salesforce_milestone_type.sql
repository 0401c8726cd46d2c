-- Salesforce MilestoneType records, as they are
-- Grain:    one row per milestone_type_id
-- Excludes: nothing
select
    _source_id as source_id,
    _source_id || ':' || Id as milestone_type_id,
    Name as name,
    _extracted_at,
    _run_id
from raw_salesforce.MilestoneType
