-- Question: how fast was every request answered and solved?
-- Grain:    one row per ticket_id
-- Excludes: nothing; deleted tickets are flagged
-- closed_at is the entry into the last unbroken run of closed statuses. The first answer is HubSpot's first agent reply;
-- in Salesforce the milestone of the first answer, else the first outgoing e-mail or public comment of a person. No answer is NULL, never 0.
-- A promise is broken by the clock, not by a flag: a CRM touches no record when its time runs out. It is kept when the answer
-- came by then, broken when it came later or the time is over without one (as Salesforce defines IsViolated, Help 000395083),
-- unknown while it can still be kept and where a HubSpot ticket was closed before its time without an answer. A flag that
-- says broken is believed.
-- HubSpot's codes are written as Salesforce writes its labels (HIGH: High), so that both are one segment.
with hubspot_links as (
    select
        from_id as ticket_id,
        min_by(to_id, (not coalesce(is_primary, false), type_id, to_id)) filter (where to_object = 'companies') as account_id,
        min(to_id) filter (where to_object = 'contacts') as contact_id
    from staging.hubspot_association
    where from_object = 'tickets' and to_object in ('companies', 'contacts')
    group by all
),

case_answers as (
    select ticket_id, sent_at as answered_at, created_by_id, 'email_message' as basis
    from staging.salesforce_email_message
    where not is_incoming and not is_deleted and ticket_id is not null
    union all
    select ticket_id, created_at, created_by_id, 'case_comment'
    from staging.salesforce_case_comment
    where is_published and not is_deleted
),

first_answers as (
    select a.ticket_id, min(a.answered_at) as answered_at, min_by(a.basis, a.answered_at) as basis
    from case_answers as a
    inner join core.app_user as u on u.user_id = a.created_by_id and u.is_human
    inner join staging.salesforce_case as c on c.ticket_id = a.ticket_id and a.answered_at >= c.created_at
    group by a.ticket_id
),

case_milestones as (
    select
        ticket_id,
        min(target_at) filter (where is_first) as sla_first_response_due_at,
        bool_and(not is_broken) filter (where is_first and (is_done or is_broken)) as sla_first_response_met,
        min(completed_at) filter (where is_first and is_done) as first_response_at,
        min(elapsed_min) filter (where is_first and is_done) as business_min_first_response,
        min(target_at) filter (where is_last) as sla_resolution_due_at,
        bool_and(not is_broken) filter (where is_last and (is_done or is_broken)) as sla_resolution_met,
        min(elapsed_min) filter (where is_last and is_done) as business_min_close
    from (
        select
            m.ticket_id, m.target_at, m.completed_at, m.elapsed_min,
            coalesce(m.is_completed, false) or m.completed_at is not null as is_done,
            coalesce(m.is_violated, false) or coalesce(m.completed_at > m.target_at, false)
            or coalesce(not is_done and m.target_at < $as_of, false) as is_broken,
            regexp_matches(lower(t.name), 'first') as is_first, regexp_matches(lower(t.name), 'resol|clos') as is_last
        from staging.salesforce_case_milestone as m
        inner join staging.salesforce_milestone_type as t using (milestone_type_id)
        where not m.is_deleted
    )
    group by ticket_id
),

agent_replies as (
    -- e-mails that people logged on the ticket in either system, and what they wrote on the case
    select ticket_id, count(*) as reply_count
    from (
        select ticket_id from core.activity
        where type = 'email' and direction = 'outbound' and not is_automated and not is_deleted and ticket_id is not null
        union all
        select a.ticket_id
        from case_answers as a
        inner join core.app_user as u on u.user_id = a.created_by_id and u.is_human
        where a.basis = 'case_comment'
    )
    group by ticket_id
),

tickets as (
    select
        c.ticket_id, c.source_id, c.native_id, c.created_at,
        coalesce(m.first_response_at, f.answered_at) as first_response_at,
        case when m.first_response_at is not null then 'milestone' else f.basis end as first_response_basis, c.closed_at as close_field_at, 'default' as pipeline_native_id, c.stage_native_id,
        c.is_closed, c.priority, coalesce(c.category, c.reason) as category, c.channel, c.owner_id, c.account_id,
        c.contact_id, c.is_escalated, m.sla_first_response_due_at, m.sla_first_response_met, m.sla_resolution_due_at,
        m.sla_resolution_met, m.business_min_first_response, m.business_min_close, c.is_deleted, c._extracted_at, c._run_id
    from staging.salesforce_case as c
    left join first_answers as f using (ticket_id)
    left join case_milestones as m using (ticket_id)
    union all by name
    select
        t.ticket_id, t.source_id, t.native_id, t.created_at, t.first_agent_reply_at as first_response_at,
        case when t.first_agent_reply_at is not null then 'first_agent_reply_date' end as first_response_basis,
        t.closed_at as close_field_at, coalesce(t.pipeline_native_id, 'default') as pipeline_native_id, t.stage_native_id,
        upper(left(t.priority, 1)) || lower(replace(substr(t.priority, 2), '_', ' ')) as priority,
        upper(left(t.category, 1)) || lower(replace(substr(t.category, 2), '_', ' ')) as category,
        upper(left(t.channel, 1)) || lower(replace(substr(t.channel, 2), '_', ' ')) as channel,
        t.source_id || ':' || t.owner_native_id as owner_id, l.account_id, l.contact_id,
        t.sla_first_response_due_at, t.sla_resolution_due_at,
        case
            when t.sla_first_response_status in ('1', '4') or regexp_matches(lower(t.sla_first_response_status), 'late|overdue')
                or t.first_agent_reply_at > t.sla_first_response_due_at then false
            when t.sla_first_response_status = '3' or t.sla_first_response_status ilike '%on time%'
                or t.first_agent_reply_at <= t.sla_first_response_due_at then true
            when t.sla_first_response_due_at < $as_of and coalesce(t.closed_at > t.sla_first_response_due_at, true) then false
        end as sla_first_response_met,
        case
            when t.sla_resolution_status in ('1', '4') or regexp_matches(lower(t.sla_resolution_status), 'late|overdue')
                or t.closed_at > t.sla_resolution_due_at then false
            when t.sla_resolution_status = '3' or t.sla_resolution_status ilike '%on time%'
                or t.closed_at <= t.sla_resolution_due_at then true
            when t.sla_resolution_due_at < $as_of then false
        end as sla_resolution_met,
        t.business_min_first_response, t.business_min_close, t.is_deleted, t._extracted_at, t._run_id
    from staging.hubspot_tickets as t
    left join hubspot_links as l using (ticket_id)
    union all by name
    select
        ticket_id, source_id, native_id, coalesce(created_at, timezone($timezone, cast(created_date as timestamp))) as created_at,
        -- a day of the same day as an instant is not before it; minutes cannot be told from days
        coalesce(
            first_response_at,
            greatest(
                timezone($timezone, cast(first_response_date as timestamp)),
                case when first_response_date = cast(timezone($timezone, created_at) as date) then created_at end
            )
        ) as first_response_at,
        case
            when created_date is not null or first_response_date is not null then 'legacy_day'
            when first_response_at is not null then 'legacy'
        end as first_response_basis,
        coalesce(
            closed_at,
            greatest(
                timezone($timezone, cast(closed_date as timestamp)),
                case when closed_date = cast(timezone($timezone, created_at) as date) then created_at end
            )
        ) as close_field_at, 'default' as pipeline_native_id,
        coalesce(status, 'open') as stage_native_id,
        coalesce(status = 'closed', closed_at is not null or closed_date is not null) as is_closed, priority, category, channel,
        owner_id, team_id as given_team_id, account_id, contact_id, reopen_count as given_reopen_count, is_deleted, _extracted_at,
        _run_id
    from staging.files_ticket
),

moves as (
    select
        ticket_id, seq, status, entered_at,
        max(seq) filter (where status <> 'closed') over (partition by ticket_id) as last_open_seq,
        lag(status) over (partition by ticket_id order by seq) as earlier
    from core.ticket_status_history
),

courses as (
    select
        ticket_id,
        max_by(status, seq) as last_status,
        min(entered_at) filter (where status = 'closed' and seq > coalesce(last_open_seq, 0)) as closed_status_at,
        count(*) filter (where status <> 'closed' and earlier = 'closed') as reopen_count,
        max(entered_at) filter (where status <> 'closed' and earlier = 'closed') as last_reopened_at
    from moves
    group by ticket_id
),

judged as (
    select
        t.*, s.stage_key, k.reopen_count, k.last_reopened_at, k.closed_status_at,
        case when t.is_closed then 'closed' else coalesce(s.canonical_stage, k.last_status, 'open') end as status
    from tickets as t
    left join core.pipeline_stage as s
        on s.stage_key = concat_ws(':', t.source_id, 'ticket', t.pipeline_native_id, t.stage_native_id)
    left join courses as k using (ticket_id)
)

select
    j.ticket_id,
    j.source_id,
    j.native_id,
    j.created_at,
    j.first_response_at,
    j.first_response_basis,
    case when j.status = 'closed' then coalesce(j.closed_status_at, j.close_field_at) end as closed_at,
    cast(coalesce(j.reopen_count, j.given_reopen_count, 0) as integer) as reopen_count,
    j.last_reopened_at,
    j.stage_key,
    j.status,
    j.priority,
    j.category,
    j.channel,
    j.owner_id,
    coalesce(i.owner_id, j.owner_id) as initial_owner_id,
    coalesce(j.given_team_id, u.team_id) as team_id,
    coalesce(a.survivor_id, j.account_id) as account_id,
    coalesce(p.survivor_id, j.contact_id) as contact_id,
    cast(coalesce(y.reply_count, 0) as integer) as agent_reply_count,
    j.business_min_first_response,
    j.business_min_close,
    j.sla_first_response_due_at,
    j.sla_first_response_met,
    j.sla_resolution_due_at,
    j.sla_resolution_met,
    j.is_escalated,
    m.survivor_id is null as is_countable,
    m.survivor_id as merged_into_id,
    j.is_deleted,
    j._extracted_at,
    j._run_id
from judged as j
left join core.initial_owner as i on i.object = 'ticket' and i.record_id = j.ticket_id
left join core.user_team_history as u
    on u.user_id = coalesce(i.owner_id, j.owner_id)
    and j.created_at >= u.valid_from
    and j.created_at < coalesce(u.valid_to, timestamptz '9999-12-31 00:00:00+00')
left join core.merged_record as m on m.object = 'ticket' and m.record_id = j.ticket_id
left join core.merged_record as a on a.object = 'account' and a.record_id = j.account_id
left join core.merged_record as p on p.object = 'contact' and p.record_id = j.contact_id
left join agent_replies as y on y.ticket_id = j.ticket_id
