-- Question: which CRM accounts and files is the data from, and since when can their history and log-ins be trusted?
-- Grain:    one row per source_id
-- Excludes: nothing
-- Files are called what the settings say; else legacy when they hold records, survey when they hold answers only.
with configured as (
    select substr(name, length('source.') + 1) as source_id, value as system
    from config.setting
    where starts_with(name, 'source.') and value <> 'files'
),

file_records as (
    select source_id, 'legacy' as system from staging.files_opportunity
    union
    select source_id, 'legacy' from staging.files_lead
    union
    select source_id, 'legacy' from staging.files_ticket
    union
    select source_id, 'legacy' from staging.files_activity
    union
    select source_id, 'legacy' from staging.files_account
    union
    select source_id, 'survey' from staging.files_survey_response
    union
    select source_id, 'survey' from staging.files_survey_invitation
),

file_sources as (
    select source_id, min(system) as system
    from file_records
    group by source_id
    union all
    select substr(name, length('source.') + 1), null
    from config.setting
    where starts_with(name, 'source.') and value = 'files'
),

file_instances as (
    select f.source_id, coalesce(max(s.value), min(f.system), 'manual') as system
    from file_sources as f
    left join config.setting as s on s.name = 'system.' || f.source_id
    group by f.source_id
),

seen as (
    select source_id, 'salesforce' as system from staging.salesforce_user
    union
    select source_id, 'salesforce' from staging.salesforce_opportunity
    union
    select source_id, 'hubspot' from staging.hubspot_owners
    union
    select source_id, 'hubspot' from staging.hubspot_deals
    union
    select source_id, 'hubspot' from staging.hubspot_tickets
    union
    select source_id, 'hubspot' from staging.hubspot_contacts
    union
    select source_id, 'pipedrive' from staging.pipedrive_deals
),

told as (
    select source_id, system, 1 as place from seen
    union all
    select source_id, system, 2 as place from file_instances
    union all
    select source_id, system, 3 as place from configured
),

instances as (
    -- what a source's records are goes before what its connector is called
    select source_id, min_by(system, (place, system)) as system
    from told
    group by source_id
),

since as (
    select
        source_id, min(first_day) filter (where object = 'history') as history_from,
        min(first_day) filter (where object = 'login') as logins_from
    from core.recorded_run
    where is_newest
    group by source_id
)

select
    i.source_id,
    i.system,
    $base_currency as base_currency,
    $timezone as timezone,
    s.history_from as history_available_from,
    s.logins_from as login_history_available_from
from instances as i
left join since as s using (source_id)
