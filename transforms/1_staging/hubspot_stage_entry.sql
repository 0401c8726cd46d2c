-- When HubSpot deals entered each stage, from the one property a stage that HubSpot keeps of it
-- Grain:    one row per record_id, stage_name
-- Excludes: stages a deal was never in. A deal that came back has only one of its entries
with wide as (
    -- the properties are named after the stages; the empty one is there for accounts that have none
    select _source_id, id, try_cast(columns('^hs_(v2_)?date_entered_') as timestamptz)
    from (select *, cast(null as timestamptz) as hs_v2_date_entered_ from raw_hubspot.deals)
),

entries as (
    unpivot wide on columns('^hs_(v2_)?date_entered_') into name property value entered_at
)

select
    _source_id as source_id,
    _source_id || ':' || id as record_id,
    regexp_extract(property, '^hs_(?:v2_)?date_entered_(.+)$', 1) as stage_name,
    min(entered_at) as entered_at
from entries
group by all
