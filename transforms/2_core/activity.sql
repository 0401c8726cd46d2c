-- Question: which calls, e-mails, meetings, tasks and notes are logged, by whom, on what?
-- Grain:    one row per activity_id
-- Excludes: technical records: the hidden pattern of a series, a date only proposed, and copies of a meeting (Salesforce makes
--           one for each colleague who is invited, HubSpot one for each calendar it is synced with). A copy is no second
--           meeting with anybody, but its owner's time: core.meeting_attendance. Deleted activities are flagged
-- Automated are sequences, workflows, bots, marketing mail and whatever belongs to an integration user; what people
-- imported or what their telephone logs for them is theirs.
with hubspot_logged as (
    select
        activity_id, source_id, native_id, 'calls' as object, 'call' as type,
        case upper(direction) when 'OUTBOUND' then 'outbound' when 'INBOUND' then 'inbound' end as direction,
        owner_native_id, created_by_user_native_id, coalesce(created_at, occurred_at) as created_at, occurred_at,
        null as due_at, case when coalesce(upper(status), 'COMPLETED') = 'COMPLETED' then occurred_at end as completed_at,
        duration_ms / 1000 as duration_s, object_source, is_deleted, _extracted_at, _run_id
    from staging.hubspot_calls
    union all by name
    select
        activity_id, source_id, native_id, 'emails' as object, 'email' as type,
        case when starts_with(upper(direction), 'INCOMING') then 'inbound' when direction is not null then 'outbound' end as direction,
        owner_native_id, created_by_user_native_id, coalesce(created_at, occurred_at) as created_at, occurred_at,
        case when coalesce(upper(status), 'SENT') = 'SENT' then occurred_at end as completed_at, object_source, is_deleted,
        _extracted_at, _run_id
    from staging.hubspot_emails
    union all by name
    select
        activity_id, source_id, native_id, 'meetings' as object, 'meeting' as type, null as direction, owner_native_id,
        created_by_user_native_id, coalesce(created_at, occurred_at) as created_at,
        coalesce(started_at, occurred_at) as occurred_at,
        case when coalesce(upper(outcome), 'COMPLETED') = 'COMPLETED' then coalesce(ended_at, started_at, occurred_at) end as completed_at,
        (epoch_us(ended_at) - epoch_us(started_at)) / 1e6 as duration_s, object_source, is_deleted, _extracted_at, _run_id
    from staging.hubspot_meetings
    where not is_copy
    union all by name
    select
        activity_id, source_id, native_id, 'tasks' as object, 'task' as type, 'internal' as direction, owner_native_id,
        created_by_user_native_id, coalesce(created_at, due_at) as created_at,
        coalesce(completed_at, due_at) as occurred_at, due_at,
        case when upper(status) = 'COMPLETED' then coalesce(completed_at, due_at) end as completed_at, object_source,
        is_deleted, _extracted_at, _run_id
    from staging.hubspot_tasks
    union all by name
    select
        activity_id, source_id, native_id, 'notes' as object, 'note' as type, 'internal' as direction, owner_native_id,
        created_by_user_native_id, coalesce(created_at, occurred_at) as created_at, occurred_at,
        occurred_at as completed_at, object_source, is_deleted, _extracted_at, _run_id
    from staging.hubspot_notes
    union all by name
    select
        activity_id, source_id, native_id, 'communications' as object, 'message' as type, null as direction,
        owner_native_id, created_by_user_native_id, coalesce(created_at, occurred_at) as created_at, occurred_at,
        occurred_at as completed_at, object_source, is_deleted, _extracted_at, _run_id
    from staging.hubspot_communications
),

hubspot_links as (
    select
        from_object as object,
        from_id as activity_id,
        min(to_id) filter (where to_object = 'companies') as account_id,
        min(to_id) filter (where to_object = 'contacts') as contact_id,
        min(to_id) filter (where to_object = 'leads') as lead_id,
        min(to_id) filter (where to_object = 'deals') as opportunity_id,
        min(to_id) filter (where to_object = 'tickets') as ticket_id
    from staging.hubspot_association
    where from_object in ('calls', 'emails', 'meetings', 'tasks', 'notes', 'communications')
    group by all
),

salesforce_logged as (
    select
        activity_id, source_id, native_id,
        case
            when coalesce(task_subtype, task_type) ilike '%call%' then 'call'
            when coalesce(task_subtype, task_type) ilike '%email%' then 'email'
            else 'task'
        end as type,
        case
            when call_type is not null then lower(call_type)
            when coalesce(task_subtype, task_type) ilike '%email%' then 'outbound'
        end as direction,
        owner_id, created_by_id, created_at,
        coalesce(completed_at, timezone($timezone, cast(due_date as timestamp)), created_at) as occurred_at,
        timezone($timezone, cast(due_date as timestamp)) as due_at,
        case when is_closed then coalesce(completed_at, created_at) end as completed_at,
        call_duration_s as duration_s, task_subtype = 'ListEmail' as is_mass_mail, who_native_id, what_native_id,
        account_id, null as ticket_id, is_deleted, _extracted_at, _run_id
    from staging.salesforce_task
    where not is_pattern
    union all by name
    select
        activity_id, source_id, native_id, 'meeting' as type, null as direction, owner_id, created_by_id, created_at,
        started_at as occurred_at, null as due_at,
        case when started_at <= $as_of then coalesce(ended_at, started_at) end as completed_at,
        duration_min * 60 as duration_s, false as is_mass_mail, who_native_id, what_native_id, account_id, is_deleted,
        _extracted_at, _run_id
    from staging.salesforce_event
    where not is_copy and not is_pattern
    union all by name
    select
        activity_id, source_id, native_id, 'email' as type,
        case when is_incoming then 'inbound' else 'outbound' end as direction, created_by_id as owner_id, created_by_id,
        created_at, sent_at as occurred_at, null as due_at, sent_at as completed_at, false as is_mass_mail, ticket_id,
        what_native_id, is_deleted, _extracted_at, _run_id
    from staging.salesforce_email_message
),

activities as (
    select
        l.activity_id, l.source_id, l.native_id, l.type, l.direction, l.source_id || ':' || l.owner_native_id as owner_id,
        c.user_id as created_by_id, l.created_at, l.occurred_at, l.due_at, l.completed_at, l.duration_s,
        coalesce(regexp_matches(upper(l.object_source), 'SEQUENCE|WORKFLOW|AUTOMATION|BOT|MARKETING'), false) as is_machine,
        k.account_id, k.contact_id, k.lead_id, k.opportunity_id, k.ticket_id, l.is_deleted, l._extracted_at, l._run_id
    from hubspot_logged as l
    left join hubspot_links as k using (object, activity_id)
    left join core.user_identity as c
        on c.source_id = l.source_id and c.user_native_id = l.created_by_user_native_id
    union all by name
    select
        activity_id, source_id, native_id, type, direction, owner_id, created_by_id, created_at, occurred_at, due_at,
        completed_at, duration_s, is_mass_mail as is_machine,
        coalesce(account_id, case when starts_with(what_native_id, '001') then source_id || ':' || what_native_id end) as account_id,
        case when starts_with(who_native_id, '003') then source_id || ':' || who_native_id end as contact_id,
        case when starts_with(who_native_id, '00Q') then source_id || ':' || who_native_id end as lead_id,
        case when starts_with(what_native_id, '006') then source_id || ':' || what_native_id end as opportunity_id,
        coalesce(ticket_id, case when starts_with(what_native_id, '500') then source_id || ':' || what_native_id end) as ticket_id,
        is_deleted, _extracted_at, _run_id
    from salesforce_logged
    union all by name
    select
        activity_id, source_id, native_id, type, direction, owner_id,
        coalesce(occurred_at, timezone($timezone, cast(occurred_date as timestamp))) as created_at,
        coalesce(occurred_at, timezone($timezone, cast(occurred_date as timestamp))) as occurred_at,
        coalesce(occurred_at, timezone($timezone, cast(occurred_date as timestamp))) as completed_at, duration_s,
        false as is_machine, account_id, contact_id, lead_id, opportunity_id, ticket_id, is_deleted, _extracted_at, _run_id
    from staging.files_activity
    union all by name
    select
        activity_id, source_id, native_id, type, if(type = 'task', 'internal', null) as direction, owner_id,
        created_by_id, created_at, occurred_at, due_at, completed_at, duration_s, false as is_machine, account_id,
        contact_id, lead_id, opportunity_id, is_deleted, _extracted_at, _run_id
    from staging.pipedrive_activities
)

select
    a.activity_id,
    a.source_id,
    a.native_id,
    a.type,
    a.direction,
    a.owner_id,
    coalesce(a.created_by_id, a.owner_id) as created_by_id,
    a.created_at,
    a.occurred_at,
    a.due_at,
    a.completed_at,
    coalesce(a.completed_at <= $as_of, false) as is_completed,
    coalesce(a.is_machine, false) or not coalesce(u.is_human, true) as is_automated,
    cast(a.duration_s as bigint) as duration_s,
    a.account_id,
    a.contact_id,
    a.lead_id,
    a.opportunity_id,
    a.ticket_id,
    a.is_deleted,
    a._extracted_at,
    a._run_id
from activities as a
left join core.app_user as u on u.user_id = a.owner_id
