-- Question: which stages do only the histories of deals and tickets name?
-- Grain:    one row per source_id, object, stage_native_id
-- Excludes: stages a list holds or has held, and those a record is in
with named as (
    select distinct source_id, 'opportunity' as object, stage_native_id from staging.salesforce_opportunity_history
    union all
    select distinct source_id, 'opportunity', value
    from staging.hubspot_property_change
    where object = 'deals' and property = 'dealstage'
    union all
    select distinct source_id, 'ticket', value
    from staging.hubspot_property_change
    where object = 'tickets' and property = 'hs_pipeline_stage'
    union all
    select distinct source_id, 'ticket', unnest([old_value, new_value])
    from staging.salesforce_case_history
    where field = 'Status'
),

known as (
    select source_id, 'opportunity' as object, coalesce(api_name, label) as stage_native_id from staging.salesforce_opportunity_stage
    union all
    select
        source_id, case object_type when 'deals' then 'opportunity' when 'tickets' then 'ticket' else object_type end,
        stage_native_id
    from staging.hubspot_pipeline_stages
    union all
    select source_id, 'ticket', coalesce(api_name, label) from staging.salesforce_case_status
    union all
    select distinct source_id, 'opportunity', stage_native_id from staging.salesforce_opportunity
    union all
    select distinct source_id, 'ticket', stage_native_id from staging.salesforce_case
    union all
    select distinct source_id, 'opportunity', stage_native_id from staging.hubspot_deals
    union all
    select distinct source_id, 'ticket', stage_native_id from staging.hubspot_tickets
)

select n.source_id, n.object, n.stage_native_id
from named as n
anti join known as k
    on k.source_id = n.source_id and k.object = n.object and k.stage_native_id = n.stage_native_id
where n.stage_native_id is not null
