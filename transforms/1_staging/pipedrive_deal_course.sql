-- Stages Pipedrive deals went through
-- Grain:    one row per opportunity_id, entered_at, change_order
-- Excludes: changes that kept the stage. A deal whose log is not there has one row, for the stage it is in
-- The log tells stages and states apart; a deal is in its stage while it is open, in won or lost after that. Before its
-- first change it was in what that change says it left.
with changes as (
    select
        opportunity_id, source_id, changed_at, change_order, changed_by_id,
        case when field = 'stage_id' then old_value end as stage_from,
        case when field = 'stage_id' then new_value end as stage_to,
        case when field = 'status' then old_value end as state_from,
        case when field = 'status' then new_value end as state_to
    from staging.pipedrive_deals_flow
    where field in ('stage_id', 'status', 'add_time')
),

left_first as (
    select
        opportunity_id,
        min_by(stage_from, (changed_at, change_order)) filter (where stage_from is not null) as stage_from,
        min_by(state_from, (changed_at, change_order)) filter (where state_from is not null) as state_from
    from changes
    group by opportunity_id
),

steps as (
    select
        d.opportunity_id, d.source_id, d.created_at as changed_at, '' as change_order, d.created_by_id as changed_by_id,
        coalesce(f.stage_from, d.open_stage_native_id) as stage_to, coalesce(f.state_from, d.state) as state_to
    from staging.pipedrive_deals as d
    inner join left_first as f using (opportunity_id)
    union all by name
    select opportunity_id, source_id, changed_at, change_order, changed_by_id, stage_to, state_to
    from changes
    where stage_to is not null or state_to is not null
),

filled as (
    select
        opportunity_id, source_id, changed_at, change_order, changed_by_id,
        last_value(stage_to ignore nulls) over deal as stage, last_value(state_to ignore nulls) over deal as state
    from steps
    window deal as (partition by opportunity_id order by changed_at, change_order rows unbounded preceding)
),

entered as (
    select opportunity_id, source_id, changed_at, change_order, changed_by_id, stage, if(state = 'open', stage, state) as stage_native_id
    from filled
    qualify stage_native_id is distinct from
        lag(stage_native_id) over (partition by opportunity_id order by changed_at, change_order)
)

select
    e.opportunity_id,
    e.source_id,
    coalesce(s.pipeline_native_id, d.pipeline_native_id) as pipeline_native_id,
    e.stage_native_id,
    e.changed_at as entered_at,
    e.change_order,
    e.changed_by_id,
    'pd_deal_flow' as basis
from entered as e
inner join staging.pipedrive_deals as d using (opportunity_id)
left join staging.pipedrive_stages as s on s.source_id = e.source_id and s.stage_native_id = e.stage
where e.stage_native_id is not null
union all
select
    d.opportunity_id, d.source_id, d.pipeline_native_id, d.stage_native_id, coalesce(d.close_at, d.created_at), '', null,
    'current_record'
from staging.pipedrive_deals as d
anti join left_first as f using (opportunity_id)
where d.stage_native_id is not null
