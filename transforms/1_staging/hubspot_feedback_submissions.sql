-- HubSpot feedback_submissions records, as they are
-- Grain:    one row per response_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || id as response_id,
    nullif(id, '') as native_id,
    nullif(hs_survey_type, '') as survey_type,
    nullif(hs_survey_id, '') as survey_id,
    try_cast(hs_value as double) as score,
    try_cast(hs_submission_timestamp as timestamptz) as responded_at,
    _source_id || ':' || hs_contact_id as contact_id,
    nullif(hs_survey_channel, '') as channel,
    coalesce(try_cast(archived as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_hubspot.feedback_submissions
