-- Question: who was reached by which campaign, and did they respond?
-- Grain:    one row per member_id
-- Excludes: deleted members. HubSpot tells no members of campaigns
select
    m.member_id,
    m.source_id,
    m.campaign_id,
    coalesce(c.person_key, sha256($salt || lower(trim(l.email)))) as person_key,
    m.lead_id,
    coalesce(g.survivor_id, m.contact_id) as contact_id,
    m.created_at as joined_at,
    case
        when m.has_responded then coalesce(timezone($timezone, cast(m.first_responded_date as timestamp)), m.created_at)
    end as responded_at
from staging.salesforce_campaign_member as m
left join core.merged_record as g on g.object = 'contact' and g.record_id = m.contact_id
left join core.contact as c on c.contact_id = coalesce(g.survivor_id, m.contact_id)
left join staging.salesforce_lead as l on l.lead_id = m.lead_id
where not m.is_deleted
