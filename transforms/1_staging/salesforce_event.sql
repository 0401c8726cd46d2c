-- Salesforce Event records, as they are
-- Grain:    one row per activity_id
-- Excludes: nothing; deleted records are flagged, and technical ones: the copy Salesforce makes for each user who is invited,
--           the hidden pattern of a series (IsRecurrence, GroupEventType 3) and a date that is only proposed (2)
select
    _source_id as source_id,
    _source_id || ':' || Id as activity_id,
    Id as native_id,
    _source_id || ':' || OwnerId as owner_id,
    WhoId as who_native_id,
    WhatId as what_native_id,
    _source_id || ':' || AccountId as account_id,
    try_cast(StartDateTime as timestamptz) as started_at,
    try_cast(EndDateTime as timestamptz) as ended_at,
    try_cast(DurationInMinutes as double) as duration_min,
    coalesce(try_cast(IsChild as boolean), false) as is_copy,
    coalesce(try_cast(IsRecurrence as boolean), false) or coalesce(GroupEventType in ('2', '3'), false) as is_pattern,
    try_cast(CreatedDate as timestamptz) as created_at,
    _source_id || ':' || CreatedById as created_by_id,
    coalesce(try_cast(IsDeleted as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_salesforce.Event
