-- Question: which people outside the company do we know?
-- Grain:    one row per contact_id
-- Excludes: nothing; deleted and merged contacts are flagged. Names and addresses stay in the raw tables
with hubspot_companies as (
    select from_id as contact_id, min_by(to_id, (not coalesce(is_primary, false), type_id, to_id)) as account_id
    from staging.hubspot_association
    where from_object = 'contacts' and to_object = 'companies'
    group by all
),

contacts as (
    select
        contact_id, source_id, native_id, account_id, email, null as lifecycle_stage, lead_source, owner_id, created_at, is_deleted, _extracted_at, _run_id
    from staging.salesforce_contact
    union all
    select
        c.contact_id, c.source_id, c.native_id, coalesce(h.account_id, c.account_id), c.email, c.lifecycle_stage,
        c.lead_source, c.source_id || ':' || c.owner_native_id, c.created_at, c.is_deleted,
        c._extracted_at, c._run_id
    from staging.hubspot_contacts as c
    left join hubspot_companies as h using (contact_id)
    union all
    select
        contact_id, source_id, native_id, account_id, email, lifecycle_stage, lead_source, owner_id,
        coalesce(created_at, timezone($timezone, cast(created_date as timestamp))), is_deleted, _extracted_at, _run_id
    from staging.files_contact
    union all by name
    select contact_id, source_id, native_id, account_id, email, owner_id, created_at, is_deleted, _extracted_at, _run_id
    from staging.pipedrive_persons
)

select
    c.contact_id,
    c.source_id,
    c.native_id,
    coalesce(a.survivor_id, c.account_id) as account_id,
    sha256($salt || lower(trim(c.email))) as person_key,
    c.lifecycle_stage,
    c.lead_source,
    c.owner_id,
    c.created_at,
    m.survivor_id as merged_into_id,
    c.is_deleted,
    c._extracted_at,
    c._run_id
from contacts as c
left join core.merged_record as m on m.object = 'contact' and m.record_id = c.contact_id
left join core.merged_record as a on a.object = 'account' and a.record_id = c.account_id
