-- Question: is each account a repetition of an older one?
-- Grain:    one row per account_id and each of the last two local week ends it existed at
-- Excludes: deleted and merged accounts; accounts with neither domain nor name
with ends as (
    select cast(w.monday as date) as monday, timezone($timezone, w.monday + interval 7 day) as end_at
    from generate_series(
        date_trunc('week', timezone($timezone, $as_of)) - interval 14 day,
        timezone($timezone, $as_of) - interval 7 day,
        interval 7 day
    ) as w(monday)
),

keyed as (
    -- within a source: a company may well be in both CRMs
    select
        account_id, source_id, owner_id, created_at,
        coalesce(
            nullif(domain, ''),
            nullif(regexp_replace(lower(name), '[^\p{L}\p{N}]', '', 'g'), '') || '|' || lower(coalesce(country, ''))
        ) as key
    from core.account
    where not is_deleted and merged_into_id is null and created_at < $as_of
),

placed as (
    select *, row_number() over (partition by source_id, key order by created_at, account_id) as place
    from keyed
    where key is not null
)

select
    p.account_id || '|' || e.monday as unit_id,
    e.end_at - interval 1 microsecond as event_at,
    p.owner_id,
    u.team_id,
    case when p.place > 1 then 1.0 else 0.0 end as num,
    1.0 as den,
    true as observed,
    p.source_id,
    p.account_id
from placed as p
inner join ends as e on p.created_at < e.end_at
left join core.app_user as u on u.user_id = p.owner_id
