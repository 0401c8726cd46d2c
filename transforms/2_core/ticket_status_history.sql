-- Question: when did a ticket enter and leave each status?
-- Grain:    one row per ticket_id, seq
-- Excludes: changes that kept the status. A ticket without recorded history has one row, for the status it is in
with case_changes as (
    select
        source_id, ticket_id, old_value, new_value as stage_native_id, changed_at as entered_at, change_id, changed_by_id,
        row_number() over (partition by ticket_id order by changed_at, change_id) as change_number
    from staging.salesforce_case_history
    where field = 'Status' and new_value is not null
),

changes as (
    select source_id, ticket_id, 'default' as pipeline_native_id, stage_native_id, entered_at, change_id, changed_by_id
    from case_changes
    union all by name
    select
        c.source_id, c.ticket_id, 'default' as pipeline_native_id, h.old_value as stage_native_id, c.created_at as entered_at,
        '' as change_id, c.created_by_id as changed_by_id
    from staging.salesforce_case as c
    inner join case_changes as h on h.ticket_id = c.ticket_id and h.change_number = 1 and h.old_value is not null
    union all by name
    select
        c.source_id, c.ticket_id, 'default' as pipeline_native_id, c.stage_native_id,
        case when c.is_closed then coalesce(c.closed_at, c.created_at) else c.created_at end as entered_at, '' as change_id
    from staging.salesforce_case as c
    anti join case_changes as h using (ticket_id)
    where c.stage_native_id is not null
    union all by name
    select
        h.source_id, h.record_id as ticket_id, s.pipeline_native_id, h.value as stage_native_id, h.changed_at as entered_at,
        lpad(cast(h.seq as varchar), 9, '0') as change_id, u.user_id as changed_by_id
    from staging.hubspot_property_change as h
    inner join (
        select source_id, stage_native_id, min(pipeline_native_id) as pipeline_native_id
        from core.pipeline_stage
        where object = 'ticket'
        group by all
    ) as s on s.source_id = h.source_id and s.stage_native_id = h.value
    left join core.user_identity as u on u.source_id = h.source_id and u.user_native_id = h.user_native_id
    where h.object = 'tickets' and h.property = 'hs_pipeline_stage'
    union all by name
    select
        t.source_id, t.ticket_id, coalesce(t.pipeline_native_id, 'default') as pipeline_native_id, t.stage_native_id,
        case when s.is_closed then coalesce(t.closed_at, t.created_at) else t.created_at end as entered_at, '' as change_id
    from staging.hubspot_tickets as t
    anti join (
        select record_id from staging.hubspot_property_change where object = 'tickets' and property = 'hs_pipeline_stage'
    ) as h on h.record_id = t.ticket_id
    left join core.pipeline_stage as s
        on s.stage_key = concat_ws(':', t.source_id, 'ticket', coalesce(t.pipeline_native_id, 'default'), t.stage_native_id)
    where t.stage_native_id is not null
),

moves as (
    select
        source_id, ticket_id, concat_ws(':', source_id, 'ticket', pipeline_native_id, stage_native_id) as stage_key, entered_at,
        change_id, changed_by_id
    from changes
    where entered_at is not null
    qualify stage_native_id is distinct from
        lag(stage_native_id) over (partition by ticket_id order by entered_at, change_id)
)

select
    m.ticket_id,
    cast(row_number() over ticket as integer) as seq,
    m.source_id,
    m.stage_key,
    coalesce(s.canonical_stage, 'open') as status,
    m.entered_at,
    lead(m.entered_at) over ticket as exited_at,
    m.changed_by_id
from moves as m
left join core.pipeline_stage as s using (stage_key)
window ticket as (partition by m.ticket_id order by m.entered_at, m.change_id)
