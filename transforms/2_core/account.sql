-- Question: which companies do we know?
-- Grain:    one row per account_id
-- Excludes: nothing; deleted and merged accounts are flagged
with salesforce_accounts as (
    select
        account_id, source_id, native_id, name, website as domain, industry, segment, region, country, employee_count,
        annual_revenue_native, currency_code, owner_id, parent_account_id, created_at, merged_into_id,
        is_deleted, _extracted_at, _run_id
    from staging.salesforce_account
),

hubspot_merges as (
    select source_id || ':' || trim(merged) as account_id, min(account_id) as merged_into_id
    from (select source_id, account_id, unnest(string_split(merged_native_ids, ';')) as merged from staging.hubspot_companies)
    group by all
),

hubspot_accounts as (
    select
        c.account_id, c.source_id, c.native_id, c.name, c.domain, c.industry, c.segment, c.region, c.country,
        cast(c.employee_count as bigint) as employee_count, c.annual_revenue_native, null as currency_code,
        c.source_id || ':' || c.owner_native_id as owner_id, c.parent_account_id, c.created_at,
        m.merged_into_id, c.is_deleted,
        c._extracted_at, c._run_id
    from staging.hubspot_companies as c
    left join hubspot_merges as m using (account_id)
),

accounts as (
    select * from salesforce_accounts
    union all
    select * from hubspot_accounts
    union all by name
    select
        account_id, source_id, native_id, name, domain, industry, country, employee_count, annual_revenue_native,
        owner_id, created_at, is_deleted, _extracted_at, _run_id
    from staging.pipedrive_organizations
)

select
    a.account_id,
    a.source_id,
    a.native_id,
    a.name,
    lower(regexp_extract(a.domain, '^(?:https?://)?(?:www\.)?([^/:?]+)', 1)) as domain,
    a.industry,
    a.segment,
    a.region,
    a.country,
    a.employee_count,
    cast(a.annual_revenue_native * r.rate_to_base as decimal(18, 2)) as annual_revenue_base,
    a.owner_id,
    a.parent_account_id,
    cast(null as date) as customer_since,
    a.created_at,
    a.merged_into_id,
    a.is_deleted,
    a._extracted_at,
    a._run_id
from accounts as a
left join core.fx_rate as r
    on r.source_id = a.source_id
    and r.currency_code = coalesce(a.currency_code, $base_currency)
    and r.valid_from <= cast($as_of as date)
    and r.valid_to > cast($as_of as date)
