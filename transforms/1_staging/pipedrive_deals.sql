-- Pipedrive deals records, as they are
-- Grain:    one row per opportunity_id
-- Excludes: nothing; deleted records are flagged. A deal that is deleted keeps the times at which it was won or lost
with deals as (
    select
        *,
        case
            when status in ('won', 'lost', 'open') then status
            when won_time is not null then 'won'
            when lost_time is not null then 'lost'
            else 'open'
        end as state
    from raw_pipedrive.deals
)

select
    d._source_id as source_id,
    d._source_id || ':' || d.id as opportunity_id,
    d.id as native_id,
    d.title as name,
    d._source_id || ':' || d.org_id as account_id,
    d._source_id || ':' || d.person_id as primary_contact_id,
    d._source_id || ':' || d.owner_id as owner_id,
    d._source_id || ':' || d.creator_user_id as created_by_id,
    d.pipeline_id as pipeline_native_id,
    d.stage_id as open_stage_native_id,
    case when d.state = 'open' then d.stage_id else d.state end as stage_native_id,
    d.state,
    d.state <> 'open' as is_closed,
    d.state = 'won' as is_won,
    coalesce(t.option_label, d.deal_type) as deal_type,
    d.value as amount_native,
    d.currency as currency_code,
    case
        when d.state = 'won' then 1.0
        when d.state = 'lost' then 0.0
        else coalesce(try_cast(d.probability as double), s.probability_pct) / 100.0
    end as probability,
    try_cast(d.expected_close_date as date) as expected_close_date,
    try_cast(coalesce(d.won_time, d.lost_time, d.close_time) as timestamptz) as close_at,
    try_cast(d.add_time as timestamptz) as created_at,
    coalesce(o.option_label, d.lead_source, d.origin) as lead_source,
    d.next_step,
    try_cast(d.update_time as timestamptz) as last_modified_at,
    d.lost_reason as loss_reason,
    d.status = 'deleted' or coalesce(try_cast(d.is_deleted as boolean), false) or coalesce(d._deleted, false) as is_deleted,
    d._extracted_at,
    d._run_id
from deals as d
left join staging.pipedrive_stages as s on s.source_id = d._source_id and s.stage_native_id = d.stage_id
left join staging.pipedrive_field_options as t
    on t.source_id = d._source_id and t.object = 'deals' and t.column_name = 'deal_type' and t.option_id = d.deal_type
left join staging.pipedrive_field_options as o
    on o.source_id = d._source_id and o.object = 'deals' and o.column_name = 'lead_source' and o.option_id = d.lead_source
