-- Invitations to surveys from files, as the mapping names them
-- Grain:    one row per invitation_id
-- Excludes: nothing; records whose row is gone are flagged
select
    _source_id as source_id,
    _source_id || ':' || id as invitation_id,
    id as native_id,
    lower(survey_kind) as survey_kind,
    lower(audience) as audience,
    survey_id,
    wave,
    respondent,
    nullif(trim(team), '') as team_name,
    'team:' || nullif(trim(regexp_replace(lower(team), '[^\p{L}\p{N}]+', '-', 'g'), '-'), '') as team_id,
    sent_at,
    sent_date,
    _source_id || ':' || response_id as response_id,
    source_file,
    _deleted as is_deleted,
    _extracted_at,
    _run_id
from raw_files.survey_invitation
