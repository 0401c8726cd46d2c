-- Question: who changed which field of which record, when, from what to what?
-- Grain:    one row per change_id
-- Excludes: first values, changes that changed nothing, Salesforce's second row with names of an owner or account. Values
--           of fields that may hold personal data are left out; that they changed is kept
with salesforce_changes as (
    select change_id, source_id, 'opportunity' as object, opportunity_id as record_id, field, old_value, new_value, changed_at, changed_by_id
    from staging.salesforce_opportunity_field_history
    union all
    select change_id, source_id, 'lead', lead_id, field, old_value, new_value, changed_at, changed_by_id
    from staging.salesforce_lead_history
    union all
    select change_id, source_id, 'ticket', ticket_id, field, old_value, new_value, changed_at, changed_by_id
    from staging.salesforce_case_history
),

hubspot_changes as (
    select
        source_id, object, record_id, seq, property as field, value as new_value, changed_at, source_type, user_native_id,
        lag(value) over earlier as old_value
    from staging.hubspot_property_change
    window earlier as (partition by source_id, object, record_id, property order by seq)
    qualify lag(seq) over earlier is not null and value is distinct from lag(value) over earlier
),

changes as (
    select
        change_id, source_id, object, record_id, field, old_value, new_value, changed_at, changed_by_id, null as source_type
    from salesforce_changes
    where lower(field) not in ('owner', 'account', 'contact')
        or regexp_full_match(coalesce(new_value, old_value), '[0-9A-Za-z]{15}([0-9A-Za-z]{3})?')
    union all by name
    select
        concat_ws('/', h.record_id, h.object, h.field, h.seq) as change_id, h.source_id,
        case h.object when 'deals' then 'opportunity' when 'tickets' then 'ticket' when 'leads' then 'lead' else 'contact' end as object,
        h.record_id, h.field, h.old_value, h.new_value, h.changed_at, u.user_id as changed_by_id, h.source_type
    from hubspot_changes as h
    left join core.user_identity as u using (source_id, user_native_id)
),

judged as (
    select
        *,
        regexp_matches(
            lower(field), 'stage|status|amount|owner|date|priority|probability|forecast|currency|pipeline|^type$|reason|escalat|score'
        ) as is_impersonal
    from changes
)

select
    j.change_id,
    j.source_id,
    j.object,
    j.record_id,
    j.field,
    case when j.is_impersonal then j.old_value end as old_value,
    case when j.is_impersonal then j.new_value end as new_value,
    j.changed_at,
    j.changed_by_id,
    case
        when regexp_matches(upper(j.source_type), 'CRM_UI|MOBILE') then 'ui'
        when regexp_matches(upper(j.source_type), 'WORKFLOW|AUTOMATION|CALCULATED|BOT|SEQUENCE') then 'workflow'
        when regexp_matches(upper(j.source_type), 'IMPORT|MIGRATION') then 'import'
        when j.source_type is not null then 'api'
        when not u.is_human then 'api'
    end as change_channel
from judged as j
left join core.app_user as u on u.user_id = j.changed_by_id
