-- HubSpot feedback_submissions records, as they are
-- Grain:    one row per response_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || id as response_id,
    nullif(cast(id as varchar), '') as native_id,
    nullif(cast(hs_survey_type as varchar), '') as survey_type,
    cast(try_cast(hs_survey_id as hugeint) as varchar) as survey_id,
    try_cast(hs_value as double) as score,
    try_cast(hs_submission_timestamp as timestamptz) as responded_at,
    _source_id || ':' || cast(try_cast(hs_contact_id as hugeint) as varchar) as contact_id,
    nullif(cast(hs_survey_channel as varchar), '') as channel,
    coalesce(try_cast(archived as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_hubspot.feedback_submissions
