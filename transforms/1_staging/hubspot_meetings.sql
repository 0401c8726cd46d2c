-- HubSpot meetings records, as they are
-- Grain:    one row per activity_id
-- Excludes: nothing; deleted records are flagged, and copies: a meeting that the calendars of several colleagues logged (one
--           iCalUID and one beginning: the occurrences of a series share the first). The one on a deal is the meeting, of
--           several the first
with meetings as (
    select m.*, d.deal_id
    from raw_hubspot.meetings as m
    left join (
        select source_id, from_id, min(to_id) as deal_id
        from staging.hubspot_association
        where from_object = 'meetings' and to_object = 'deals'
        group by source_id, from_id
    ) as d on d.from_id = m._source_id || ':' || m.id
),

synced as (
    select
        _source_id, id,
        (deal_id is null and max(deal_id) over (partition by _source_id, hs_i_cal_uid, hs_meeting_start_time) is not null)
        or row_number() over (
            partition by _source_id, hs_i_cal_uid, hs_meeting_start_time, deal_id order by hs_createdate, id
        ) > 1 as is_copy
    from meetings
    where hs_i_cal_uid is not null and hs_meeting_start_time is not null
        and not (coalesce(try_cast(archived as boolean), false) or coalesce(_deleted, false))
)

select
    m._source_id as source_id,
    m._source_id || ':' || m.id as activity_id,
    nullif(cast(m.id as varchar), '') as native_id,
    try_cast(m.hs_timestamp as timestamptz) as occurred_at,
    try_cast(m.hs_meeting_start_time as timestamptz) as started_at,
    try_cast(m.hs_meeting_end_time as timestamptz) as ended_at,
    nullif(cast(m.hs_meeting_outcome as varchar), '') as outcome,
    coalesce(s.is_copy, false) as is_copy,
    try_cast(m.hs_createdate as timestamptz) as created_at,
    nullif(cast(m.hubspot_owner_id as varchar), '') as owner_native_id,
    nullif(cast(m.hs_object_source as varchar), '') as object_source,
    cast(try_cast(m.hs_created_by_user_id as hugeint) as varchar) as created_by_user_native_id,
    coalesce(try_cast(m.archived as boolean), false) or coalesce(m._deleted, false) as is_deleted,
    m._extracted_at,
    m._run_id
from raw_hubspot.meetings as m
left join synced as s on s._source_id = m._source_id and s.id = m.id
