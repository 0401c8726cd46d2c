-- Question: which stages are there, and what does each mean?
-- Grain:    one row per stage_key
-- Excludes: nothing. A stage that records or their histories name but no list of stages holds is taken from the records'
--           own flags, never from its label. One that a list held once stays what it was there
-- The key is HubSpot's id and Salesforce's API name: another label is the same stage.
with salesforce_listed as (
    select
        source_id, coalesce(api_name, label) as stage_native_id, label, sort_order, is_closed, is_won,
        default_probability_pct / 100.0 as default_probability, forecast_category, created_at as valid_from,
        case when not is_active or is_deleted then last_modified_at end as valid_to
    from staging.salesforce_opportunity_stage
    qualify row_number() over (
        partition by source_id, coalesce(api_name, label) order by is_deleted, is_active desc, sort_order
    ) = 1
),

salesforce_now as (
    select source_id, stage_native_id, bool_or(is_closed) as is_closed, bool_or(is_won) as is_won
    from staging.salesforce_opportunity
    where stage_native_id is not null
    group by all
),

salesforce_past as (
    select h.opportunity_id, u.source_id, u.stage_native_id
    from staging.salesforce_opportunity_history as h
    inner join core.unlisted_stage as u
        on u.object = 'opportunity' and u.source_id = h.source_id and u.stage_native_id = h.stage_native_id
),

salesforce_replaced as (
    -- a value replaced in the list changes on the records, but not in their history: there the old one is the last
    select source_id, stage_native_id, bool_and(o.is_closed) as is_closed, bool_and(o.is_won) as is_won
    from (
        select h.opportunity_id, arg_max(h.stage_native_id, (h.changed_at, h.change_id)) as stage_native_id
        from staging.salesforce_opportunity_history as h
        semi join salesforce_past as p on p.opportunity_id = h.opportunity_id
        group by h.opportunity_id
    ) as last
    inner join (
        select d.opportunity_id, d.source_id, d.is_closed, d.is_won
        from staging.salesforce_opportunity as d
        semi join salesforce_past as p on p.opportunity_id = d.opportunity_id
    ) as o on o.opportunity_id = last.opportunity_id
    group by all
),

salesforce_named as (
    select source_id, stage_native_id, is_closed, is_won from salesforce_now
    union all
    select p.source_id, p.stage_native_id, any_value(r.is_closed), any_value(r.is_won)
    from salesforce_past as p
    left join salesforce_replaced as r on r.source_id = p.source_id and r.stage_native_id = p.stage_native_id
    group by all
),

salesforce_stages as (
    select
        source_id, 'opportunity' as object, 'default' as pipeline_native_id, 'Salesforce' as pipeline_name,
        stage_native_id, coalesce(l.label, stage_native_id) as stage_label, l.sort_order as stage_order,
        coalesce(l.is_closed, n.is_closed, false) as is_closed, coalesce(l.is_won, n.is_won, false) as is_won,
        l.default_probability, l.forecast_category, l.stage_native_id is not null as is_listed, null as ticket_state,
        l.valid_from, l.valid_to
    from salesforce_listed as l
    full join salesforce_named as n using (source_id, stage_native_id)
),

case_replaced as (
    select u.source_id, u.stage_native_id, bool_and(c.is_closed) as is_closed
    from core.unlisted_stage as u
    left join (
        select ticket_id, source_id, arg_max(new_value, (changed_at, change_id)) as stage_native_id
        from staging.salesforce_case_history
        where field = 'Status' and exists (select 1 from core.unlisted_stage where object = 'ticket')
        group by ticket_id, source_id
    ) as last on last.source_id = u.source_id and last.stage_native_id = u.stage_native_id
    left join staging.salesforce_case as c on c.ticket_id = last.ticket_id
    where u.object = 'ticket' and u.source_id in (select source_id from staging.salesforce_case)
    group by u.source_id, u.stage_native_id
),

case_named as (
    select source_id, stage_native_id, bool_or(is_closed) as is_closed
    from staging.salesforce_case
    where stage_native_id is not null
    group by all
    union all
    select source_id, stage_native_id, is_closed from case_replaced
),

case_listed as (
    select source_id, coalesce(api_name, label) as stage_native_id, label, sort_order, is_closed
    from staging.salesforce_case_status
    qualify row_number() over (partition by source_id, coalesce(api_name, label) order by sort_order) = 1
),

case_stages as (
    select
        source_id, 'ticket' as object, 'default' as pipeline_native_id, 'Salesforce' as pipeline_name, stage_native_id,
        coalesce(l.label, stage_native_id) as stage_label, l.sort_order as stage_order,
        coalesce(l.is_closed, n.is_closed, false) as is_closed, false as is_won, null as default_probability,
        null as forecast_category, l.stage_native_id is not null as is_listed, null as ticket_state
    from case_listed as l
    full join case_named as n using (source_id, stage_native_id)
),

hubspot_audited as (
    select
        source_id, object_type, pipeline_native_id, stage_native_id, max_by(label, last_seen_at) as label,
        max(last_seen_at) as last_seen_at
    from staging.hubspot_pipeline_stage_labels
    group by all
),

hubspot_listed as (
    select
        s.source_id,
        case s.object_type when 'deals' then 'opportunity' when 'tickets' then 'ticket' when 'leads' then 'lead' end as object,
        s.pipeline_native_id, p.label as pipeline_name, s.stage_native_id, s.label as stage_label,
        s.display_order as stage_order, s.probability, s.ticket_state,
        coalesce(s.is_closed, s.ticket_state = 'CLOSED', s.probability in (0, 1), false) as is_closed,
        nullif(s.created_at, timestamptz '1970-01-01 00:00:00+00') as valid_from,
        coalesce(s.archived_at, case when s.is_deleted then a.last_seen_at end) as valid_to
    from staging.hubspot_pipeline_stages as s
    left join staging.hubspot_pipelines as p using (source_id, object_type, pipeline_native_id)
    left join hubspot_audited as a using (source_id, object_type, pipeline_native_id, stage_native_id)
    where s.object_type in ('deals', 'tickets', 'leads')
),

hubspot_now as (
    select
        source_id, 'opportunity' as object, pipeline_native_id, stage_native_id, bool_or(is_closed) as is_closed,
        bool_or(is_won) as is_won
    from staging.hubspot_deals
    where stage_native_id is not null
    group by all
    union all
    select source_id, 'ticket', pipeline_native_id, stage_native_id, null, null
    from staging.hubspot_tickets
    where stage_native_id is not null
    group by all
),

hubspot_past as (
    select u.source_id, u.object, u.stage_native_id, h.record_id
    from staging.hubspot_property_change as h
    inner join core.unlisted_stage as u
        on u.source_id = h.source_id
        and u.stage_native_id = h.value
        and u.object = case
            when h.object = 'deals' and h.property = 'dealstage' then 'opportunity'
            when h.object = 'tickets' and h.property = 'hs_pipeline_stage' then 'ticket'
        end
),

hubspot_named as (
    select source_id, object, pipeline_native_id, stage_native_id, is_closed, is_won, null as stage_label from hubspot_now
    union all
    -- removed before we first looked: of the pipeline its audit names, else of the one most records that were in it have
    select
        p.source_id, p.object, coalesce(min(a.pipeline_native_id), mode(r.pipeline_native_id order by r.pipeline_native_id)), p.stage_native_id, null, null,
        min(a.label)
    from hubspot_past as p
    left join (
        select d.opportunity_id as record_id, d.pipeline_native_id
        from staging.hubspot_deals as d
        semi join hubspot_past as p on p.record_id = d.opportunity_id
        union all
        select t.ticket_id, t.pipeline_native_id
        from staging.hubspot_tickets as t
        semi join hubspot_past as p on p.record_id = t.ticket_id
    ) as r on r.record_id = p.record_id
    left join hubspot_audited as a
        on a.source_id = p.source_id
        and a.object_type = if(p.object = 'opportunity', 'deals', 'tickets')
        and a.stage_native_id = p.stage_native_id
    group by p.source_id, p.object, p.stage_native_id
),

hubspot_stages as (
    select
        source_id, object, coalesce(pipeline_native_id, 'default') as pipeline_native_id, l.pipeline_name,
        stage_native_id, coalesce(l.stage_label, n.stage_label, stage_native_id) as stage_label, l.stage_order,
        coalesce(l.is_closed, n.is_closed, false) as is_closed,
        object = 'opportunity' and coalesce(l.is_closed and l.probability = 1, n.is_won, false) as is_won,
        l.probability as default_probability, null as forecast_category, l.stage_native_id is not null as is_listed,
        l.ticket_state, l.valid_from, l.valid_to
    from hubspot_listed as l
    full join hubspot_named as n using (source_id, object, pipeline_native_id, stage_native_id)
),

stages as (
    select * from salesforce_stages
    union all by name
    select * from case_stages
    union all by name
    select * from hubspot_stages
    union all by name
    select
        source_id, 'opportunity' as object, coalesce(pipeline_native_id, 'default') as pipeline_native_id,
        min(pipeline_native_id) as pipeline_name, coalesce(stage_native_id, status) as stage_native_id,
        coalesce(stage_native_id, status) as stage_label, bool_and(status in ('won', 'lost')) as is_closed,
        bool_and(status = 'won') as is_won, true as is_listed
    from staging.files_opportunity
    group by all
    union all by name
    select
        source_id, 'ticket' as object, 'default' as pipeline_native_id, status as stage_native_id, status as stage_label,
        list_position(['new', 'open', 'waiting', 'closed'], status) as stage_order, status = 'closed' as is_closed,
        false as is_won, true as is_listed
    from (select distinct source_id, coalesce(status, 'open') as status from staging.files_ticket)
    union all by name
    select
        source_id, 'opportunity' as object, pipeline_native_id, pipeline_name, stage_native_id, stage_label, stage_order,
        is_closed, is_won, default_probability, true as is_listed
    from staging.pipedrive_deal_stages
),

turns as (
    select
        *,
        object = 'ticket' and not is_closed
        and regexp_matches(lower(stage_label), 'wait|pending|on hold|очіку')
        and not regexp_matches(lower(stage_label), '\b(us|our|agent|internal|third)\b|нас|наш') as is_waiting
    from stages
)

select
    concat_ws(':', source_id, object, pipeline_native_id, stage_native_id) as stage_key,
    source_id,
    object,
    pipeline_native_id,
    pipeline_name,
    stage_native_id,
    stage_label,
    cast(stage_order as integer) as stage_order,
    is_closed,
    is_won,
    is_waiting,
    case
        when object = 'ticket' and is_closed then 'closed'
        when is_waiting then 'waiting'
        when object = 'ticket' and stage_order = min(stage_order) over (partition by source_id, object, pipeline_native_id)
            then 'new'
        when object = 'ticket' then 'open'
        when is_won then 'won'
        when is_closed then 'lost'
        when default_probability < 0.2 then 'prospect'
        when default_probability < 0.4 then 'qualify'
        when default_probability < 0.7 then 'propose'
        when default_probability < 1 then 'negotiate'
    end as canonical_stage,
    cast(default_probability as double) as default_probability,
    forecast_category,
    valid_from,
    valid_to,
    is_listed
from turns
