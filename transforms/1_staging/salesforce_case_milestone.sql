-- Salesforce CaseMilestone records, as they are
-- Grain:    one row per milestone_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || Id as milestone_id,
    _source_id || ':' || CaseId as ticket_id,
    _source_id || ':' || MilestoneTypeId as milestone_type_id,
    try_cast(TargetDate as timestamptz) as target_at,
    try_cast(CompletionDate as timestamptz) as completed_at,
    try_cast(IsCompleted as boolean) as is_completed,
    try_cast(IsViolated as boolean) as is_violated,
    try_cast(ActualElapsedTimeInMins as double) as elapsed_min,
    coalesce(try_cast(IsDeleted as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_salesforce.CaseMilestone
