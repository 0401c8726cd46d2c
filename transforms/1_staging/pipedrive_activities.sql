-- Pipedrive activities records, as they are
-- Grain:    one row per activity_id
-- Excludes: nothing; deleted records are flagged
with planned as (
    select *, try_cast(due_date || ' ' || coalesce(due_time, '00:00:00') || '+00' as timestamptz) as due_at
    from raw_pipedrive.activities
)

select
    _source_id as source_id,
    _source_id || ':' || id as activity_id,
    id as native_id,
    case
        when type = 'call' then 'call'
        when type = 'email' then 'email'
        when type in ('meeting', 'lunch', 'demo') then 'meeting'
        else 'task'
    end as type,
    _source_id || ':' || owner_id as owner_id,
    _source_id || ':' || creator_user_id as created_by_id,
    try_cast(add_time as timestamptz) as created_at,
    due_at,
    try_cast(done as boolean) as is_done,
    case when try_cast(done as boolean) then coalesce(try_cast(marked_as_done_time as timestamptz), due_at) end as completed_at,
    case
        when type in ('meeting', 'lunch', 'demo') then coalesce(due_at, try_cast(add_time as timestamptz))
        else coalesce(try_cast(marked_as_done_time as timestamptz), due_at, try_cast(add_time as timestamptz))
    end as occurred_at,
    try_cast(split_part(duration, ':', 1) as bigint) * 3600 + try_cast(split_part(duration, ':', 2) as bigint) * 60 as duration_s,
    _source_id || ':' || org_id as account_id,
    _source_id || ':' || person_id as contact_id,
    _source_id || ':' || lead_id as lead_id,
    _source_id || ':' || deal_id as opportunity_id,
    coalesce(try_cast(is_deleted as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from planned
