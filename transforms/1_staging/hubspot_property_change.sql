-- Past values of HubSpot properties, all object types
-- Grain:    one row per source_id, object, record_id, property, seq (0 = oldest)
-- Excludes: nothing
with changes as (
    select
        _source_id as source_id, 'deals' as object, record_id, property, try_cast(seq as bigint) as seq, value,
        try_cast("at" as timestamptz) as changed_at, source_type, updated_by_user_id
    from raw_hubspot.deals_history
    union all
    select
        _source_id as source_id, 'tickets' as object, record_id, property, try_cast(seq as bigint) as seq, value,
        try_cast("at" as timestamptz) as changed_at, source_type, updated_by_user_id
    from raw_hubspot.tickets_history
    union all
    select
        _source_id as source_id, 'contacts' as object, record_id, property, try_cast(seq as bigint) as seq, value,
        try_cast("at" as timestamptz) as changed_at, source_type, updated_by_user_id
    from raw_hubspot.contacts_history
    union all
    select
        _source_id as source_id, 'leads' as object, record_id, property, try_cast(seq as bigint) as seq, value,
        try_cast("at" as timestamptz) as changed_at, source_type, updated_by_user_id
    from raw_hubspot.leads_history
)

select
    source_id,
    object,
    source_id || ':' || record_id as record_id,
    property,
    -- the raw table counts the values of one instant; one that is forgotten must not move the others
    row_number() over (partition by source_id, object, record_id, property order by changed_at, seq) - 1 as seq,
    nullif(value, '') as value,
    changed_at,
    source_type,
    updated_by_user_id as user_native_id
from changes
