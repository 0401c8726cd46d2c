-- Stages of Pipedrive deals, won and lost among them
-- Grain:    one row per source_id, pipeline_native_id, stage_native_id
-- Excludes: nothing. Won and lost are states of a deal in Pipedrive, no stages; each pipeline gets them as its last two
select
    s.source_id,
    s.pipeline_native_id,
    p.label as pipeline_name,
    s.stage_native_id,
    s.label as stage_label,
    s.sort_order as stage_order,
    false as is_closed,
    false as is_won,
    s.probability_pct / 100.0 as default_probability
from staging.pipedrive_stages as s
left join staging.pipedrive_pipelines as p using (source_id, pipeline_native_id)
union all
select p.source_id, p.pipeline_native_id, p.label, e.name, e.label, e.sort_order, true, e.name = 'won', e.probability
from staging.pipedrive_pipelines as p
cross join (values ('won', 'Won', 1001, 1.0), ('lost', 'Lost', 1002, 0.0)) as e (name, label, sort_order, probability)
