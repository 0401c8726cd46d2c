-- Question: who logged in when?
-- Grain:    one row per source_id, native_id
-- Excludes: nothing; log-ins by programs and failed ones are flagged
select
    source_id, user_id, login_at,
    case
        when regexp_matches(lower(login_type), 'remote access|api|partner product|other apex') then 'api'
        else 'interactive'
    end as channel,
    status = 'Success' as is_succeeded,
    native_id
from staging.salesforce_login_history
union all
select l.source_id, u.user_id, l.login_at, 'interactive', coalesce(l.is_succeeded, true), l.native_id
from staging.hubspot_login_activity as l
left join core.user_identity as u using (source_id, user_native_id)
