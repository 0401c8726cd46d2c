-- Deals from files, as the mapping names them
-- Grain:    one row per opportunity_id
-- Excludes: nothing; records whose row is gone are flagged
select
    _source_id as source_id,
    _source_id || ':' || id as opportunity_id,
    id as native_id,
    name,
    lower(status) as status,
    stage as stage_native_id,
    pipeline as pipeline_native_id,
    _source_id || ':' || account as account_id,
    _source_id || ':' || contact as contact_id,
    _source_id || ':' || owner as owner_id,
    nullif(trim(team), '') as team_name,
    'team:' || nullif(trim(regexp_replace(lower(team), '[^\p{L}\p{N}]+', '-', 'g'), '-'), '') as team_id,
    amount as amount_native,
    currency as currency_code,
    created_at,
    created_date,
    closed_at,
    closed_date,
    expected_close as expected_close_date,
    deal_type,
    lead_source,
    loss_reason,
    probability,
    source_file,
    _deleted as is_deleted,
    _extracted_at,
    _run_id
from raw_files.opportunity
