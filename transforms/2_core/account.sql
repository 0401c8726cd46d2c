-- Question: which companies do we know?
-- Grain:    one row per account_id
-- Excludes: nothing; deleted and merged accounts are flagged
with salesforce_accounts as (
    select
        account_id, source_id, native_id, name, industry, segment, region, country, employee_count,
        annual_revenue_native, currency_code, owner_id, parent_account_id, created_at, is_deleted, _extracted_at, _run_id
    from staging.salesforce_account
),

hubspot_accounts as (
    select
        c.account_id, c.source_id, c.native_id, c.name,
        upper(left(c.industry, 1)) || lower(replace(substr(c.industry, 2), '_', ' ')) as industry, c.segment, c.region, c.country,
        cast(c.employee_count as bigint) as employee_count, c.annual_revenue_native, null as currency_code,
        c.source_id || ':' || c.owner_native_id as owner_id, c.parent_account_id, c.created_at,
        c.is_deleted, c._extracted_at, c._run_id
    from staging.hubspot_companies as c
),

accounts as (
    select * from salesforce_accounts
    union all
    select * from hubspot_accounts
    union all
    select
        account_id, source_id, native_id, name, industry, segment, region, country, employee_count,
        annual_revenue_native, null, owner_id, parent_account_id,
        coalesce(created_at, timezone($timezone, cast(created_date as timestamp))), is_deleted, _extracted_at, _run_id
    from staging.files_account
    union all by name
    select
        account_id, source_id, native_id, name, domain, industry, country, employee_count, annual_revenue_native,
        owner_id, created_at, is_deleted, _extracted_at, _run_id
    from staging.pipedrive_organizations
),

customers as (
    select coalesce(m.survivor_id, t.account_id) as account_id, min(t.occurred_at) as first_at
    from core.customer_transaction as t
    left join core.merged_record as m on m.object = 'account' and m.record_id = t.account_id
    group by all
)

select
    a.account_id,
    a.source_id,
    a.native_id,
    a.name,
    n.domain,
    a.industry,
    a.segment,
    a.region,
    a.country,
    a.employee_count,
    cast(a.annual_revenue_native * r.rate_to_base as decimal(38, 2)) as annual_revenue_base,
    a.owner_id,
    a.parent_account_id,
    cast(timezone($timezone, k.first_at) as date) as customer_since,
    a.created_at,
    m.survivor_id as merged_into_id,
    a.is_deleted,
    a._extracted_at,
    a._run_id
from accounts as a
left join core.merged_record as m on m.object = 'account' and m.record_id = a.account_id
left join customers as k on k.account_id = a.account_id
left join core.account_domain as n on n.account_id = a.account_id
left join core.fx_rate as r
    on r.source_id = a.source_id
    and r.currency_code = coalesce(a.currency_code, $base_currency)
    and r.valid_from <= cast($as_of as date)
    and r.valid_to > cast($as_of as date)
