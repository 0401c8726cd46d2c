-- Question: who else took part in a meeting, by their own copy of it?
-- Grain:    one row per attendance_id: a copy of a meeting that is in core.activity once
-- Excludes: patterns of series. The time is their owner's; the deal, the company and the first answer have the meeting already
with hubspot_links as (
    select distinct from_id as attendance_id
    from staging.hubspot_association
    where from_object = 'meetings' and to_object in ('companies', 'contacts', 'deals', 'leads')
)

select
    activity_id as attendance_id,
    source_id,
    native_id,
    owner_id,
    started_at as occurred_at,
    coalesce(started_at <= $as_of, false) as is_completed,
    cast(duration_min * 60 as bigint) as duration_s,
    coalesce(account_id, who_native_id, case when left(what_native_id, 3) in ('001', '006') then what_native_id end)
    is not null as is_with_customer,
    is_deleted
from staging.salesforce_event
where is_copy and not is_pattern
union all
select
    m.activity_id,
    m.source_id,
    m.native_id,
    m.source_id || ':' || m.owner_native_id,
    m.started_at,
    coalesce(upper(m.outcome), 'COMPLETED') = 'COMPLETED' and coalesce(coalesce(m.ended_at, m.started_at) <= $as_of, false),
    cast((epoch_us(m.ended_at) - epoch_us(m.started_at)) / 1e6 as bigint),
    l.attendance_id is not null,
    m.is_deleted
from staging.hubspot_meetings as m
left join hubspot_links as l on l.attendance_id = m.activity_id
where m.is_copy
