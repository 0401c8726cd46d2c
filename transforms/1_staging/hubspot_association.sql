-- Links between HubSpot records, in both directions whichever side the source told them from
-- Grain:    one row per source_id, from_object, from_id, to_object, to_id, category, type_id
-- Excludes: nothing; the same link told from both sides is one row
with told as (
    select _source_id, 'contacts' as from_object, from_id, to_object, to_id, category, type_id, label
    from raw_hubspot.contacts_associations
    where not coalesce(_deleted, false)
    union all
    select _source_id, 'deals' as from_object, from_id, to_object, to_id, category, type_id, label
    from raw_hubspot.deals_associations
    where not coalesce(_deleted, false)
    union all
    select _source_id, 'tickets' as from_object, from_id, to_object, to_id, category, type_id, label
    from raw_hubspot.tickets_associations
    where not coalesce(_deleted, false)
    union all
    select _source_id, 'leads' as from_object, from_id, to_object, to_id, category, type_id, label
    from raw_hubspot.leads_associations
    where not coalesce(_deleted, false)
    union all
    select _source_id, 'calls' as from_object, from_id, to_object, to_id, category, type_id, label
    from raw_hubspot.calls_associations
    where not coalesce(_deleted, false)
    union all
    select _source_id, 'emails' as from_object, from_id, to_object, to_id, category, type_id, label
    from raw_hubspot.emails_associations
    where not coalesce(_deleted, false)
    union all
    select _source_id, 'meetings' as from_object, from_id, to_object, to_id, category, type_id, label
    from raw_hubspot.meetings_associations
    where not coalesce(_deleted, false)
    union all
    select _source_id, 'tasks' as from_object, from_id, to_object, to_id, category, type_id, label
    from raw_hubspot.tasks_associations
    where not coalesce(_deleted, false)
    union all
    select _source_id, 'notes' as from_object, from_id, to_object, to_id, category, type_id, label
    from raw_hubspot.notes_associations
    where not coalesce(_deleted, false)
    union all
    select _source_id, 'line_items' as from_object, from_id, to_object, to_id, category, type_id, label
    from raw_hubspot.line_items_associations
    where not coalesce(_deleted, false)
),

plural as (
    select
        _source_id, from_object, from_id, to_id, category, type_id, label,
        case to_object when 'company' then 'companies' else rtrim(to_object, 's') || 's' end as to_object
    from told
),

both_ways as (
    select _source_id, from_object, from_id, to_object, to_id, category, type_id, label from plural
    union all
    select _source_id, to_object, to_id, from_object, from_id, category, type_id, label from plural
)

select
    _source_id as source_id,
    from_object,
    _source_id || ':' || from_id as from_id,
    to_object,
    _source_id || ':' || to_id as to_id,
    category,
    type_id,
    max(lower(label) = 'primary') as is_primary
from both_ways
group by all
