-- Question: on which days did each person work in the CRM, and did they record anything?
-- Grain:    one row per user_id, activity_date (local) with a log-in or an action
-- Excludes: integration users, changes made by workflows, imports and programs. What an earlier night counted and a
--           source has forgotten since (log-ins after 90 days, old values) stays
with interface_changes as (
    select source_id, user_native_id, record_id, changed_at
    from staging.hubspot_property_change
    where seq > 0 and user_native_id is not null and regexp_matches(upper(source_type), 'CRM_UI|MOBILE')
    group by all
),

later_stages as (
    select changed_by_id, opportunity_id, changed_at
    from staging.salesforce_opportunity_history
    qualify row_number() over (partition by opportunity_id order by changed_at, change_id) > 1
),

salesforce_changes as (
    select changed_by_id as user_id, opportunity_id as record_id, changed_at from later_stages
    union
    select changed_by_id, opportunity_id, changed_at from staging.salesforce_opportunity_field_history
    union
    select changed_by_id, lead_id, changed_at from staging.salesforce_lead_history
    union
    select changed_by_id, ticket_id, changed_at from staging.salesforce_case_history
),

hubspot_creations as (
    select source_id, created_by_user_native_id as user_native_id, created_at from staging.hubspot_contacts
    union all
    select source_id, created_by_user_native_id, created_at from staging.hubspot_companies
    union all
    select source_id, created_by_user_native_id, created_at from staging.hubspot_deals
    union all
    select source_id, created_by_user_native_id, created_at from staging.hubspot_tickets
    union all
    select source_id, created_by_user_native_id, created_at from staging.hubspot_leads
),

events as (
    select user_id, login_at as at, 'login' as kind from core.login_event where is_succeeded and channel = 'interactive'
    union all
    select created_by_id, created_at, 'created' from staging.salesforce_account
    union all
    select created_by_id, created_at, 'created' from staging.salesforce_contact
    union all
    select created_by_id, created_at, 'created' from staging.salesforce_lead
    union all
    select created_by_id, created_at, 'created' from staging.salesforce_opportunity
    union all
    select created_by_id, created_at, 'created' from staging.salesforce_case
    union all
    select u.user_id, c.created_at, 'created'
    from hubspot_creations as c
    inner join core.user_identity as u using (source_id, user_native_id)
    union all
    select user_id, changed_at, 'updated' from salesforce_changes
    union all
    select u.user_id, c.changed_at, 'updated'
    from interface_changes as c
    inner join core.user_identity as u using (source_id, user_native_id)
    union all
    select created_by_id, created_at, 'activity' from core.activity where not is_automated
    union all
    select created_by_id, created_at, 'created' from staging.pipedrive_deals
    union all
    select changed_by_id, changed_at, 'updated' from staging.pipedrive_deals_flow
    where field <> 'add_time' and change_source is distinct from 'api'
),

counted as (
    select
        e.user_id,
        case
            when h.half_day is null then cast(timezone($timezone, e.at) as date)
            when epoch_us(e.at) >= h.turn_us then h.later_day
            else h.day
        end as activity_date,
        count(*) filter (where e.kind = 'login') as logins,
        count(*) filter (where e.kind = 'created') as created,
        count(*) filter (where e.kind = 'updated') as updated,
        count(*) filter (where e.kind = 'activity') as logged,
        count(*) filter (where e.kind <> 'login') as actions
    from events as e
    left join core.half_day as h on h.half_day = epoch_us(e.at) // 43200000000
    where e.at < $as_of
    group by all
)

select
    user_id,
    activity_date,
    coalesce(c.logins > 0, false) or coalesce(k.is_logged_in, false) as is_logged_in,
    cast(greatest(c.logins, k.ui_login_count) as integer) as ui_login_count,
    cast(greatest(c.created, k.records_created) as integer) as records_created,
    cast(greatest(c.updated, k.records_updated) as integer) as records_updated,
    cast(greatest(c.logged, k.activities_logged) as integer) as activities_logged,
    cast(greatest(c.actions, k.core_actions) as integer) as core_actions,
    case when c.user_id is null then 'kept' else 'counted' end as basis
from counted as c
full join kept.user_day as k using (user_id, activity_date)
inner join core.app_user as u on u.user_id = coalesce(c.user_id, k.user_id) and u.is_human
where activity_date <= cast(timezone($timezone, cast($as_of as timestamptz)) as date)
