-- Question: what became of every lead, and how soon did somebody talk to them?
-- Grain:    one row per lead_id
-- Excludes: the sample contacts of a new HubSpot account; deleted leads are flagged
-- A lead is a Salesforce Lead, a HubSpot lead record or, in accounts that keep none, a HubSpot contact that entered the
-- life-cycle stage lead. First touch is the first human, completed call, e-mail, meeting or message that did not come in
-- and answers no ticket. Salesforce moves activities of converted leads to their contact, so that contact's count as
-- well. A deal with a customer won earlier converts nobody.
with salesforce_status_times as (
    select
        lead_id,
        min(changed_at) filter (where regexp_full_match(lower(new_value), '(sales |marketing )?qualified')) as qualified_at,
        max(changed_at) filter (where regexp_matches(lower(new_value), 'not converted|unqualified|disqualified|dead|junk|rejected')) as disqualified_at
    from staging.salesforce_lead_history
    where lower(field) = 'status'
    group by lead_id
),

salesforce_leads as (
    select
        l.lead_id, l.source_id, l.native_id, 'sf_lead' as lead_basis, l.created_at, l.owner_id,
        l.lead_source as source_channel, l.status as status_native,
        case
            when l.is_converted then 'converted'
            when regexp_matches(lower(l.status), 'not converted|unqualified|disqualified|dead|junk|rejected') then 'disqualified'
            when regexp_full_match(lower(l.status), '(sales |marketing )?qualified') then 'qualified'
            when regexp_matches(lower(l.status), '^(open|new)') then 'new'
            else 'working'
        end as status_group,
        least(l.first_call_at, l.first_email_at) as vendor_touch_at, 'sf_engagement_field' as vendor_touch_basis,
        t.qualified_at,
        case
            when not l.is_converted then null
            when cast(timezone($timezone, o.created_at) as date) = l.converted_date then greatest(o.created_at, l.created_at)
            else greatest(timezone($timezone, cast(l.converted_date as timestamp)), l.created_at)
        end as converted_at,
        t.disqualified_at, l.converted_opportunity_id, l.converted_account_id, l.converted_contact_id as contact_id,
        l.is_deleted, l._extracted_at, l._run_id
    from staging.salesforce_lead as l
    left join salesforce_status_times as t using (lead_id)
    left join staging.salesforce_opportunity as o on o.opportunity_id = l.converted_opportunity_id
),

hubspot_contact_deals as (
    select a.from_id as contact_id, d.opportunity_id, d.created_at
    from staging.hubspot_association as a
    inner join staging.hubspot_deals as d on d.opportunity_id = a.to_id
    where a.from_object = 'contacts' and a.to_object = 'deals'
        and not regexp_matches(lower(coalesce(d.deal_type, '')), 'exist|renew')
),

hubspot_lead_deals as (
    select a.from_id as lead_id, d.opportunity_id, d.created_at
    from staging.hubspot_association as a
    inner join staging.hubspot_deals as d on d.opportunity_id = a.to_id
    where a.from_object = 'leads' and a.to_object = 'deals'
        and not regexp_matches(lower(coalesce(d.deal_type, '')), 'exist|renew')
),

hubspot_lead_contacts as (
    select from_id as lead_id, min(to_id) as contact_id
    from staging.hubspot_association
    where from_object = 'leads' and to_object = 'contacts'
    group by all
),

hubspot_lead_conversions as (
    select l.lead_id, min_by(d.opportunity_id, d.created_at) as converted_opportunity_id, min(d.created_at) as converted_at
    from staging.hubspot_leads as l
    inner join hubspot_lead_deals as d on d.lead_id = l.lead_id and d.created_at >= l.created_at
    group by all
),

hubspot_leads as (
    select
        l.lead_id, l.source_id, l.native_id, 'hs_lead_object' as lead_basis, l.created_at,
        l.source_id || ':' || l.owner_native_id as owner_id, l.lead_source as source_channel, l.stage_native_id as status_native,
        case
            when v.converted_at is not null then 'converted'
            when regexp_matches(lower(l.stage_native_id), 'unqualified|disqualified') then 'disqualified'
            when regexp_matches(lower(l.stage_native_id), 'qualified') then 'qualified'
            when regexp_matches(lower(l.stage_native_id), '^new') then 'new'
            else 'working'
        end as status_group,
        null as vendor_touch_at, null as vendor_touch_basis, null as qualified_at, v.converted_at, null as disqualified_at,
        v.converted_opportunity_id, null as converted_account_id, c.contact_id, l.is_deleted,
        l._extracted_at, l._run_id
    from staging.hubspot_leads as l
    left join hubspot_lead_contacts as c using (lead_id)
    left join hubspot_lead_conversions as v using (lead_id)
),

hubspot_stage_times as (
    select
        record_id as contact_id,
        min(changed_at) filter (where property = 'lifecyclestage' and value = 'lead') as lead_at,
        min(changed_at) filter (where property = 'lifecyclestage' and value in ('marketingqualifiedlead', 'salesqualifiedlead')) as qualified_at,
        min(changed_at) filter (where property = 'lifecyclestage' and value in ('opportunity', 'customer')) as opportunity_at,
        max(changed_at) filter (where property = 'hs_lead_status' and value = 'UNQUALIFIED') as disqualified_at
    from staging.hubspot_property_change
    where object = 'contacts' and property in ('lifecyclestage', 'hs_lead_status')
    group by all
),

hubspot_contact_leads as (
    select
        c.*,
        coalesce(c.became_lead_at, t.lead_at) as lead_at,
        coalesce(least(c.became_mql_at, c.became_sql_at), t.qualified_at) as stage_qualified_at,
        coalesce(c.became_opportunity_at, t.opportunity_at) as stage_opportunity_at, t.disqualified_at
    from staging.hubspot_contacts as c
    anti join staging.hubspot_leads as l on l.source_id = c.source_id
    left join hubspot_stage_times as t using (contact_id)
    where not c.is_sample
),

hubspot_contact_conversions as (
    select c.contact_id, min_by(d.opportunity_id, d.created_at) as converted_opportunity_id, min(d.created_at) as converted_at
    from hubspot_contact_leads as c
    inner join hubspot_contact_deals as d on d.contact_id = c.contact_id and d.created_at >= c.lead_at
    group by all
),

hubspot_contacts_as_leads as (
    select
        c.contact_id as lead_id, c.source_id, c.native_id, 'hs_contact_lifecycle' as lead_basis, c.lead_at as created_at,
        c.source_id || ':' || c.owner_native_id as owner_id, c.lead_source as source_channel,
        coalesce(c.lead_status, c.lifecycle_stage) as status_native,
        case
            when coalesce(v.converted_at, c.stage_opportunity_at) is not null then 'converted'
            when c.lead_status = 'UNQUALIFIED' then 'disqualified'
            when c.stage_qualified_at is not null then 'qualified'
            when c.lead_status is null or c.lead_status in ('NEW', 'OPEN') then 'new'
            else 'working'
        end as status_group,
        c.first_engagement_at as vendor_touch_at, 'hs_sa_first_engagement' as vendor_touch_basis,
        c.stage_qualified_at as qualified_at, least(v.converted_at, c.stage_opportunity_at) as converted_at,
        case when c.lead_status = 'UNQUALIFIED' then c.disqualified_at end as disqualified_at, v.converted_opportunity_id,
        null as converted_account_id, c.contact_id, c.owner_assigned_at, c.is_deleted, c._extracted_at, c._run_id
    from hubspot_contact_leads as c
    left join hubspot_contact_conversions as v using (contact_id)
    where c.lead_at is not null
),

leads as (
    select * from salesforce_leads
    union all by name
    select * from hubspot_leads
    union all by name
    select * from hubspot_contacts_as_leads
    union all by name
    select
        lead_id, source_id, native_id, 'legacy' as lead_basis,
        coalesce(created_at, timezone($timezone, cast(created_date as timestamp))) as created_at, owner_id,
        team_id as given_team_id, channel as source_channel, status as status_native,
        coalesce(status, case when opportunity_id is not null or converted_at is not null or converted_date is not null then 'converted' else 'new' end) as status_group,
        -- a day of the same day as an instant is not before it; minutes cannot be told from days
        coalesce(first_touch_at, greatest(
            timezone($timezone, cast(first_touch_date as timestamp)),
            case when first_touch_date = cast(timezone($timezone, created_at) as date) then created_at end
        )) as vendor_touch_at,
        case when first_touch_date is not null then 'legacy_day' else 'legacy' end as vendor_touch_basis,
        created_date is not null as is_day_only,
        coalesce(qualified_at, greatest(
            timezone($timezone, cast(qualified_date as timestamp)),
            case when qualified_date = cast(timezone($timezone, created_at) as date) then created_at end
        )) as qualified_at,
        coalesce(converted_at, greatest(
            timezone($timezone, cast(converted_date as timestamp)),
            case when converted_date = cast(timezone($timezone, created_at) as date) then created_at end
        )) as converted_at,
        coalesce(disqualified_at, greatest(
            timezone($timezone, cast(disqualified_date as timestamp)),
            case when disqualified_date = cast(timezone($timezone, created_at) as date) then created_at end
        )) as disqualified_at,
        opportunity_id as converted_opportunity_id, contact_id, is_deleted, _extracted_at, _run_id
    from staging.files_lead
    union all by name
    select
        lead_id, source_id, native_id, 'pd_lead' as lead_basis, created_at, owner_id, lead_source as source_channel,
        status as status_native,
        case status when 'archived' then 'disqualified' when 'new' then 'new' else 'working' end as status_group,
        case when status = 'archived' then last_modified_at end as disqualified_at, contact_id, is_deleted,
        _extracted_at, _run_id
    from staging.pipedrive_leads
),

talks as (
    select lead_id, contact_id, occurred_at
    from core.activity
    where type in ('call', 'email', 'meeting', 'message')
        and coalesce(direction, 'outbound') = 'outbound'
        and is_completed and not is_automated and not is_deleted and ticket_id is null
        and (lead_id is not null or contact_id is not null)
),

touches as (
    select l.lead_id, t.occurred_at
    from leads as l
    inner join talks as t on t.lead_id = l.lead_id and t.occurred_at >= l.created_at
    union all
    select l.lead_id, t.occurred_at
    from leads as l
    inner join talks as t on t.contact_id = l.contact_id and t.lead_id is null and t.occurred_at >= l.created_at
),

hubspot_deal_accounts as (
    select from_id as opportunity_id, min_by(to_id, (not coalesce(is_primary, false), type_id, to_id)) as account_id
    from staging.hubspot_association
    where from_object = 'deals' and to_object = 'companies'
    group by all
),

first_touches as (
    select lead_id, min(occurred_at) as touched_at
    from touches
    group by lead_id
)

select
    l.lead_id,
    l.source_id,
    l.native_id,
    l.lead_basis,
    l.created_at,
    l.owner_id,
    coalesce(i.owner_id, l.owner_id) as initial_owner_id,
    coalesce(l.given_team_id, u.team_id) as team_id,
    l.source_channel,
    l.status_native,
    l.status_group,
    case
        when i.owner_id is null and l.owner_id is null then null
        when i.assigned_at is not null then greatest(i.assigned_at, l.created_at)
        when i.owner_id is null and w.user_id is null then null
        when i.owner_id is null then greatest(l.owner_assigned_at, l.created_at)
        else l.created_at
    end as first_assigned_at,
    coalesce(f.touched_at, case when l.vendor_touch_at >= l.created_at then l.vendor_touch_at end) as first_touch_at,
    case
        when l.is_day_only then 'legacy_day'
        when f.touched_at is not null then 'activity_log'
        when l.vendor_touch_at >= l.created_at then l.vendor_touch_basis
    end as first_touch_basis,
    l.qualified_at,
    l.converted_at,
    l.disqualified_at,
    l.converted_opportunity_id,
    coalesce(a.survivor_id, l.converted_account_id, d.account_id) as converted_account_id,
    coalesce(p.survivor_id, l.contact_id) as contact_id,
    m.survivor_id as merged_into_id,
    l.is_deleted,
    l._extracted_at,
    l._run_id
from leads as l
left join first_touches as f using (lead_id)
left join core.initial_owner as i
    on i.object = case when l.lead_basis = 'hs_contact_lifecycle' then 'contact' else 'lead' end and i.record_id = l.lead_id
left join core.app_user as w on w.user_id = l.owner_id
left join core.user_team_history as u
    on u.user_id = coalesce(i.owner_id, l.owner_id)
    and l.created_at >= u.valid_from
    and l.created_at < coalesce(u.valid_to, timestamptz '9999-12-31 00:00:00+00')
left join core.merged_record as m
    on m.object = case when l.lead_basis = 'hs_contact_lifecycle' then 'contact' else 'lead' end and m.record_id = l.lead_id
left join core.merged_record as a on a.object = 'account' and a.record_id = l.converted_account_id
left join core.merged_record as p on p.object = 'contact' and p.record_id = l.contact_id
left join hubspot_deal_accounts as d on d.opportunity_id = l.converted_opportunity_id
