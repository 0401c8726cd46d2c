-- Past values of HubSpot properties, all object types
-- Grain:    one row per source_id, object, record_id, property, seq (0 = oldest)
-- Excludes: nothing
select
    _source_id as source_id,
    'deals' as object,
    _source_id || ':' || record_id as record_id,
    property,
    try_cast(seq as bigint) as seq,
    nullif(value, '') as value,
    try_cast("at" as timestamptz) as changed_at,
    source_type,
    updated_by_user_id as user_native_id
from raw_hubspot.deals_history
union all
select
    _source_id as source_id,
    'tickets' as object,
    _source_id || ':' || record_id as record_id,
    property,
    try_cast(seq as bigint) as seq,
    nullif(value, '') as value,
    try_cast("at" as timestamptz) as changed_at,
    source_type,
    updated_by_user_id as user_native_id
from raw_hubspot.tickets_history
union all
select
    _source_id as source_id,
    'contacts' as object,
    _source_id || ':' || record_id as record_id,
    property,
    try_cast(seq as bigint) as seq,
    nullif(value, '') as value,
    try_cast("at" as timestamptz) as changed_at,
    source_type,
    updated_by_user_id as user_native_id
from raw_hubspot.contacts_history
union all
select
    _source_id as source_id,
    'leads' as object,
    _source_id || ':' || record_id as record_id,
    property,
    try_cast(seq as bigint) as seq,
    nullif(value, '') as value,
    try_cast("at" as timestamptz) as changed_at,
    source_type,
    updated_by_user_id as user_native_id
from raw_hubspot.leads_history
