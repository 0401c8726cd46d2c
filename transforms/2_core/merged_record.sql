-- Question: which record took the place of one that was merged away?
-- Grain:    one row per object, record_id that was merged away
-- Excludes: merges in a circle. A record merged twice leads to the one that is left in the end
with recursive merges as (
    select source_id, 'account' as object, account_id as record_id, merged_into_id as winner_id
    from staging.salesforce_account
    where merged_into_id is not null
    union all
    select source_id, 'contact', contact_id, merged_into_id from staging.salesforce_contact where merged_into_id is not null
    union all
    select source_id, 'lead', lead_id, merged_into_id from staging.salesforce_lead where merged_into_id is not null
    union all
    select source_id, 'ticket', ticket_id, merged_into_id from staging.salesforce_case where merged_into_id is not null
    union all
    select source_id, 'account', source_id || ':' || trim(unnest(string_split(merged_native_ids, ';'))), account_id
    from staging.hubspot_companies
    where merged_native_ids is not null
    union all
    select source_id, 'contact', source_id || ':' || trim(unnest(string_split(merged_native_ids, ';'))), contact_id
    from staging.hubspot_contacts
    where merged_native_ids is not null
    union all
    select source_id, 'opportunity', source_id || ':' || trim(unnest(string_split(merged_native_ids, ';'))), opportunity_id
    from staging.hubspot_deals
    where merged_native_ids is not null
    union all
    select source_id, 'ticket', source_id || ':' || trim(unnest(string_split(merged_native_ids, ';'))), ticket_id
    from staging.hubspot_tickets
    where merged_native_ids is not null
),

chains as (
    select source_id, object, record_id, winner_id, 1 as steps from merges
    union
    select c.source_id, c.object, c.record_id, m.winner_id, c.steps + 1
    from chains as c
    inner join merges as m on m.object = c.object and m.record_id = c.winner_id
    where c.steps < 20
)

select c.source_id, c.object, c.record_id, min(c.winner_id) as survivor_id
from chains as c
anti join merges as m on m.object = c.object and m.record_id = c.winner_id
group by all
