-- Question: who owned a record when it was created?
-- Grain:    one row per object, record_id whose ownership history is known
-- Excludes: queues; a record that began in one belongs to the first person who took it
with salesforce_changes as (
    select source_id, 'opportunity' as object, opportunity_id as record_id, old_value, new_value, changed_at
    from staging.salesforce_opportunity_field_history
    where lower(field) = 'owner'
    union all
    select source_id, 'lead', lead_id, old_value, new_value, changed_at
    from staging.salesforce_lead_history
    where lower(field) = 'owner'
    union all
    select source_id, 'ticket', ticket_id, old_value, new_value, changed_at
    from staging.salesforce_case_history
    where lower(field) = 'owner'
),

salesforce_holders as (
    select source_id, object, record_id, old_value as owner, changed_at, 0 as side from salesforce_changes
    union all
    select source_id, object, record_id, new_value, changed_at, 1 from salesforce_changes
),

salesforce_first as (
    select
        source_id, object, record_id, min_by(left(owner, 15), (changed_at, side)) as short_id,
        min_by(changed_at, (changed_at, side)) filter (where side = 1) as taken_at, min_by(side, (changed_at, side)) as first_side
    from salesforce_holders
    where regexp_full_match(owner, '005[0-9A-Za-z]{12}([0-9A-Za-z]{3})?')
    group by all
)

select
    f.object, f.record_id, u.user_id as owner_id, case when f.first_side = 1 then f.taken_at end as assigned_at
from salesforce_first as f
inner join core.app_user as u on u.source_id = f.source_id and left(u.native_id, 15) = f.short_id
union all
select
    case object when 'deals' then 'opportunity' when 'tickets' then 'ticket' when 'leads' then 'lead' else 'contact' end,
    record_id, source_id || ':' || min_by(value, seq), min_by(changed_at, seq)
from staging.hubspot_property_change
where property = 'hubspot_owner_id' and value is not null
group by source_id, object, record_id
union all
select 'opportunity', opportunity_id, source_id || ':' || min_by(old_value, (changed_at, change_order)), null
from staging.pipedrive_deals_flow
where field = 'user_id' and old_value is not null
group by source_id, opportunity_id
