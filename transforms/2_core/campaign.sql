-- Question: which campaigns ran, and what did they cost?
-- Grain:    one row per campaign_id
-- Excludes: nothing
select
    c.campaign_id,
    c.source_id,
    c.native_id,
    c.name,
    c.type,
    c.started_on,
    c.ended_on,
    cast(c.actual_cost_native * r.rate_to_base as decimal(38, 2)) as actual_cost_base,
    c.is_deleted
from staging.salesforce_campaign as c
left join staging.salesforce_currency_type as t on t.source_id = c.source_id and t.is_corporate
left join core.fx_rate as r
    on r.source_id = c.source_id
    and r.currency_code = coalesce(t.currency_code, $base_currency)
    and r.valid_from <= coalesce(c.started_on, cast($as_of as date))
    and r.valid_to > coalesce(c.started_on, cast($as_of as date))
