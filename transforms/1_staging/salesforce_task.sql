-- Salesforce Task records, as they are
-- Grain:    one row per activity_id
-- Excludes: nothing; deleted records are flagged, and the hidden pattern of a series
select
    _source_id as source_id,
    _source_id || ':' || Id as activity_id,
    Id as native_id,
    TaskSubtype as task_subtype,
    Type as task_type,
    CallType as call_type,
    _source_id || ':' || OwnerId as owner_id,
    WhoId as who_native_id,
    WhatId as what_native_id,
    _source_id || ':' || AccountId as account_id,
    Status as status,
    try_cast(IsClosed as boolean) as is_closed,
    try_cast(ActivityDate as date) as due_date,
    try_cast(CompletedDateTime as timestamptz) as completed_at,
    try_cast(CallDurationInSeconds as double) as call_duration_s,
    coalesce(try_cast(IsRecurrence as boolean), false) as is_pattern,
    try_cast(CreatedDate as timestamptz) as created_at,
    _source_id || ':' || CreatedById as created_by_id,
    coalesce(try_cast(IsDeleted as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_salesforce.Task
