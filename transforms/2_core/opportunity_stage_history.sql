-- Question: when did a deal enter and leave each stage?
-- Grain:    one row per opportunity_id, seq
-- Excludes: changes that kept the stage
-- Four bases, the best a deal has: recorded changes (Salesforce's, HubSpot's and Pipedrive's histories), HubSpot's one date
-- a stage, what our nights have seen (a change has the day of the night that first saw it), the dates of a file. Where the
-- entry is not known (a deal without any of them, or one whose first night came later than the day after its creation)
-- the row says so: basis current_record.
with salesforce_changes as (
    select
        opportunity_id, source_id, 'default' as pipeline_native_id, stage_native_id, changed_at as entered_at, change_id,
        amount_native, probability_pct / 100.0 as probability, close_date as expected_close_date, changed_by_id,
        'sf_opportunity_history' as basis
    from staging.salesforce_opportunity_history
    where stage_native_id is not null
    qualify stage_native_id is distinct from
        lag(stage_native_id) over (partition by opportunity_id order by changed_at, change_id)
),

hubspot_stage_pipelines as (
    select source_id, stage_native_id, min(pipeline_native_id) as pipeline_native_id
    from core.pipeline_stage
    where object = 'opportunity'
    group by all
),

hubspot_changes as (
    select
        h.record_id as opportunity_id, h.source_id, p.pipeline_native_id, h.value as stage_native_id,
        h.changed_at as entered_at, lpad(cast(h.seq as varchar), 9, '0') as change_id, null as amount_native,
        null as probability, null as expected_close_date, u.user_id as changed_by_id, 'hs_property_history' as basis
    from staging.hubspot_property_change as h
    inner join hubspot_stage_pipelines as p on p.source_id = h.source_id and p.stage_native_id = h.value
    left join core.user_identity as u on u.source_id = h.source_id and u.user_native_id = h.user_native_id
    where h.object = 'deals' and h.property = 'dealstage'
    qualify h.value is distinct from lag(h.value) over (partition by h.record_id order by h.seq)
),

hubspot_entries as (
    select
        e.record_id as opportunity_id, e.source_id, p.pipeline_native_id, p.stage_native_id, min(e.entered_at) as entered_at
    from staging.hubspot_stage_entry as e
    anti join hubspot_changes as h on h.opportunity_id = e.record_id
    inner join hubspot_stage_pipelines as p
        on p.source_id = e.source_id
        and (p.stage_native_id = e.stage_name or p.stage_native_id = regexp_replace(e.stage_name, '_\d{5,}$', ''))
    group by all
),

recorded as (
    select opportunity_id from salesforce_changes
    union
    select opportunity_id from hubspot_changes
    union
    select opportunity_id from hubspot_entries
    union
    select opportunity_id from staging.pipedrive_deal_course where basis <> 'current_record'
),

file_current as (
    -- a file tells when a deal was opened and when it was closed, no stage in between
    select
        opportunity_id, source_id, coalesce(pipeline_native_id, 'default') as pipeline_native_id,
        coalesce(stage_native_id, status) as stage_native_id, status in ('won', 'lost') as is_closed,
        coalesce(created_at, timezone($timezone, cast(created_date as timestamp))) as created_at,
        coalesce(
            closed_at,
            greatest(
                timezone($timezone, cast(closed_date as timestamp)),
                case when closed_date = cast(timezone($timezone, created_at) as date) then created_at end
            )
        ) as close_at,
        upper(currency_code) as currency_code,
        amount_native, probability, expected_close_date
    from staging.files_opportunity
),

silent as (
    select
        o.opportunity_id, o.created_at, concat_ws(':', o.source_id, 'opportunity', 'default', o.stage_native_id) as stage_key
    from staging.salesforce_opportunity as o
    anti join recorded as r using (opportunity_id)
    where o.stage_native_id is not null
    union all
    select
        d.opportunity_id, d.created_at,
        concat_ws(':', d.source_id, 'opportunity', coalesce(d.pipeline_native_id, 'default'), d.stage_native_id)
    from staging.hubspot_deals as d
    anti join recorded as r using (opportunity_id)
    where d.stage_native_id is not null
    union all
    select
        d.opportunity_id, d.created_at,
        concat_ws(':', d.source_id, 'opportunity', coalesce(d.pipeline_native_id, 'default'), d.stage_native_id)
    from staging.pipedrive_deals as d
    anti join recorded as r using (opportunity_id)
    where d.stage_native_id is not null
    union all
    select opportunity_id, created_at, concat_ws(':', source_id, 'opportunity', pipeline_native_id, stage_native_id)
    from file_current
),

sightings as (
    select
        s.opportunity_id, s.stage_key, s.snapshot_date as seen_on, s.amount_base, s.probability, s.expected_close_date
    from core.opportunity_snapshot as s
    semi join silent as q using (opportunity_id)
    where s.snapshot_date < cast(timezone($timezone, cast($as_of as timestamptz)) as date)
    union all by name
    select opportunity_id, stage_key, cast(timezone($timezone, cast($as_of as timestamptz)) as date) as seen_on
    from silent
),

seen as (
    select
        opportunity_id, stage_key, seen_on, amount_base, probability, expected_close_date,
        lag(seen_on) over earlier is null as is_first
    from sightings
    window earlier as (partition by opportunity_id order by seen_on)
    qualify is_first or stage_key is distinct from lag(stage_key) over earlier
),

moved as (
    select opportunity_id from seen group by opportunity_id having count(*) > 1
),

snapshot_changes as (
    select
        s.opportunity_id, p.source_id, p.pipeline_native_id, p.stage_native_id,
        case
            when s.is_first and s.seen_on <= cast(timezone($timezone, q.created_at) as date) + 1 then q.created_at
            else timezone($timezone, cast(s.seen_on as timestamp))
        end as entered_at,
        cast(s.seen_on as varchar) as change_id, s.amount_base as seen_amount_base, s.probability, s.expected_close_date,
        case
            when s.is_first and s.seen_on > cast(timezone($timezone, q.created_at) as date) + 1 then 'current_record'
            else 'snapshot_diff'
        end as basis
    from seen as s
    semi join moved as m using (opportunity_id)
    inner join core.pipeline_stage as p using (stage_key)
    inner join silent as q using (opportunity_id)
),

salesforce_current as (
    select
        o.opportunity_id, o.source_id, 'default' as pipeline_native_id, o.stage_native_id,
        case when o.is_closed then timezone($timezone, cast(o.close_date as timestamp)) else o.created_at end as entered_at,
        '' as change_id, o.amount_native, o.probability_pct / 100.0 as probability, o.close_date as expected_close_date,
        null as changed_by_id, 'current_record' as basis
    from staging.salesforce_opportunity as o
    anti join recorded as r using (opportunity_id)
    anti join moved as m using (opportunity_id)
    where o.stage_native_id is not null
),

hubspot_current as (
    select
        d.opportunity_id, d.source_id, coalesce(d.pipeline_native_id, 'default') as pipeline_native_id, d.stage_native_id,
        case when d.is_closed then d.close_at else d.created_at end as entered_at, '' as change_id, d.amount_native,
        d.probability, cast(timezone($timezone, d.close_at) as date) as expected_close_date, null as changed_by_id,
        'current_record' as basis
    from staging.hubspot_deals as d
    anti join recorded as r using (opportunity_id)
    anti join moved as m using (opportunity_id)
    where d.stage_native_id is not null
),

file_changes as (
    select
        opportunity_id, source_id, pipeline_native_id, stage_native_id,
        case when is_closed then coalesce(close_at, created_at) else created_at end as entered_at, '' as change_id,
        amount_native, probability, expected_close_date, if(is_closed and close_at is not null, 'legacy', 'current_record') as basis
    from file_current
    anti join moved as m using (opportunity_id)
),

changes as (
    select * from salesforce_changes
    union all by name
    select * from hubspot_changes
    union all by name
    select
        opportunity_id, source_id, pipeline_native_id, stage_native_id, entered_at, stage_native_id as change_id,
        'hs_date_entered' as basis
    from hubspot_entries
    union all by name
    select * from snapshot_changes
    union all by name
    select * from salesforce_current
    union all by name
    select * from hubspot_current
    union all by name
    select
        opportunity_id, source_id, pipeline_native_id, stage_native_id, entered_at, change_order as change_id,
        changed_by_id, basis
    from staging.pipedrive_deal_course
    anti join (select opportunity_id from moved) as m using (opportunity_id)
    union all by name
    select * from file_changes
),

currencies as (
    select opportunity_id, currency_code from staging.salesforce_opportunity
    union all
    select opportunity_id, currency_code from staging.hubspot_deals
    union all
    select opportunity_id, currency_code from file_current
)

select
    c.opportunity_id,
    cast(row_number() over deal as integer) as seq,
    c.source_id,
    concat_ws(':', c.source_id, 'opportunity', c.pipeline_native_id, c.stage_native_id) as stage_key,
    c.entered_at,
    lead(c.entered_at) over deal as exited_at,
    case
        when c.amount_native is null or r.rate_to_base is null then c.seen_amount_base
        when r.rate_to_base = 1 then cast(c.amount_native as decimal(38, 2))
        else cast(c.amount_native * r.rate_to_base as decimal(38, 2))
    end as amount_base,
    cast(c.probability as double) as probability,
    c.expected_close_date,
    c.changed_by_id,
    c.basis
from changes as c
left join currencies as m using (opportunity_id)
left join core.fx_rate as r
    on r.source_id = c.source_id
    and r.currency_code = coalesce(m.currency_code, $base_currency)
    and r.valid_from <= cast(timezone($timezone, c.entered_at) as date)
    and r.valid_to > cast(timezone($timezone, c.entered_at) as date)
where c.entered_at is not null
window deal as (partition by c.opportunity_id order by c.entered_at, c.change_id)
