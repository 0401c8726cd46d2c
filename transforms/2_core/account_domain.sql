-- Question: at which internet domain is each account, and is it the company itself?
-- Grain:    one row per account_id
-- Excludes: accounts without a domain; nothing is known of Pipedrive's
with addresses as (
    select account_id, website as address from staging.salesforce_account
    union all
    select account_id, domain from staging.hubspot_companies
    union all
    select account_id, domain from staging.files_account
),

domains as (
    select account_id, lower(regexp_extract(address, '^(?:https?://)?(?:www\.)?([^/:?]+)', 1)) as domain
    from addresses
    where address is not null
)

select d.account_id, d.domain, o.domain is not null as is_own
from domains as d
left join core.own_domain as o on o.domain = d.domain
