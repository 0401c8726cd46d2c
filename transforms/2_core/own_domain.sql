-- Question: which internet domains are the company's own?
-- Grain:    one row per domain
-- Excludes: where the settings name none: domains that fewer than a quarter of the people who work in the CRMs have
--           their address at, or only one of them, and those where anybody can have an address
-- The settings' word is the whole one, an empty list too. A sandbox of Salesforce ends addresses in .invalid.
with addresses as (
    select user_id, email from staging.salesforce_user
    union all
    select user_id, email from staging.hubspot_owners
    union all
    select user_id, email from staging.files_user
    union all
    select user_id, email from staging.pipedrive_users
),

people as (
    select distinct
        u.person_key, regexp_extract(lower(trim(a.email)), '@([^@\s]+?)(\.invalid)?$', 1) as domain
    from addresses as a
    inner join core.app_user as u using (user_id)
    where u.is_human and not u.is_deleted
),

told as (
    select domain, count(*) as people, count(*) / sum(count(*)) over () as share
    from people
    where domain <> ''
    group by domain
)

select value as domain, 'settings' as basis, cast(null as bigint) as people
from config.setting
where starts_with(name, 'domain.')
union all
select domain, 'users', people
from told
where people >= 2 and share >= 0.25
    and not regexp_matches(domain, '^(gmail|googlemail|hotmail|outlook|yahoo|ymail|gmx|yandex|protonmail)\.[a-z.]+$')
    and domain not in (
        'live.com', 'msn.com', 'icloud.com', 'me.com', 'mac.com', 'aol.com', 'mail.com', 'web.de', 'proton.me', 'fastmail.com',
        'ukr.net', 'i.ua', 'meta.ua', 'bigmir.net', 'email.ua', 'online.ua', 'mail.ru', 'bk.ru', 'list.ru', 'inbox.ru', 'ya.ru'
    )
    and not exists (select 1 from config.setting where name = 'own_domains' and value = 'settings')
