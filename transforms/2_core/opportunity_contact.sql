-- Question: which contacts take part in which deal?
-- Grain:    one row per opportunity_id, contact_id
-- Excludes: deleted roles; merged contacts count as those they were merged into
with links as (
    select source_id, opportunity_id, contact_id, role, coalesce(is_primary, false) as is_primary
    from staging.salesforce_opportunity_contact_role
    where not is_deleted
    union all
    select source_id, opportunity_id, primary_contact_id, null, true
    from staging.salesforce_opportunity
    union all
    select
        source_id, from_id, to_id, null, to_id = min(to_id) over (partition by source_id, from_id)
    from staging.hubspot_association
    where from_object = 'deals' and to_object = 'contacts'
    union all
    select source_id, opportunity_id, contact_id, null, true
    from staging.files_opportunity
    where not is_deleted
    union all
    select source_id, opportunity_id, primary_contact_id, null, true
    from staging.pipedrive_deals
    where not is_deleted
)

select
    l.opportunity_id,
    coalesce(m.survivor_id, l.contact_id) as contact_id,
    min(l.source_id) as source_id,
    min(l.role) as role,
    bool_or(l.is_primary) as is_primary
from links as l
left join core.merged_record as m on m.object = 'contact' and m.record_id = l.contact_id
where l.opportunity_id is not null and l.contact_id is not null
group by all
