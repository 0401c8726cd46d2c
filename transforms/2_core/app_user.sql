-- Question: who uses the CRMs, in which team, and are they people with a seat?
-- Grain:    one row per user_id (Salesforce User, HubSpot owner)
-- Excludes: nothing
-- Neither system keeps the day a user was switched off; the last change of a user who is off stands in for it.
with salesforce_users as (
    select
        u.user_id, u.source_id, u.native_id, u.native_id as owner_native_id, u.native_id as user_native_id, u.email,
        u.full_name, r.name as role_name, p.name as profile_name, r.name as team_name, u.manager_user_id, u.is_active,
        u.user_type = 'Standard'
        and not regexp_matches(lower(coalesce(p.name, '')), 'integration|api only|automated') as is_human,
        u.created_at as provisioned_at,
        case when not u.is_active then u.last_modified_at end as deactivated_at,
        u.last_login_at, u.is_deleted, u._extracted_at, u._run_id
    from staging.salesforce_user as u
    left join staging.salesforce_user_role as r using (role_id)
    left join staging.salesforce_profile as p using (profile_id)
),

hubspot_teams as (
    select user_id, team.name as team_name
    from (
        select user_id, unnest(from_json(teams, '[{"id": "VARCHAR", "name": "VARCHAR", "primary": "BOOLEAN"}]')) as team
        from staging.hubspot_owners
    )
    qualify row_number() over (partition by user_id order by coalesce(team."primary", false) desc, team.id) = 1
),

hubspot_logins as (
    select source_id, user_native_id, max(login_at) as last_login_at
    from staging.hubspot_login_activity
    group by all
),

hubspot_users as (
    select
        o.user_id, o.source_id, o.native_id, o.native_id as owner_native_id, o.user_native_id, o.email,
        nullif(trim(concat_ws(' ', o.first_name, o.last_name)), '') as full_name, null as role_name,
        null as profile_name, t.team_name, null as manager_user_id, not o.is_deleted as is_active,
        coalesce(o.owner_type, 'PERSON') = 'PERSON' and o.email is not null as is_human, o.created_at as provisioned_at,
        case when o.is_deleted then o.updated_at end as deactivated_at, l.last_login_at, o.is_deleted, o._extracted_at,
        o._run_id
    from staging.hubspot_owners as o
    left join hubspot_teams as t using (user_id)
    left join hubspot_logins as l using (source_id, user_native_id)
),

users as (
    select * from salesforce_users
    union all
    select * from hubspot_users
    union all
    select
        user_id, source_id, native_id, native_id, native_id, email, full_name, role_name, null, team_name, manager_user_id,
        coalesce(
            is_active,
            coalesce(coalesce(deactivated_at, timezone($timezone, cast(deactivated_date as timestamp))) > $as_of, true)
        ), true,
        coalesce(created_at, timezone($timezone, cast(created_date as timestamp))),
        coalesce(deactivated_at, timezone($timezone, cast(deactivated_date as timestamp))), null, is_deleted, _extracted_at, _run_id
    from staging.files_user
    union all by name
    select
        user_id, source_id, native_id, native_id as owner_native_id, native_id as user_native_id, email, full_name,
        role_name, role_name as team_name, is_active, is_human, created_at as provisioned_at,
        case when not is_active then last_modified_at end as deactivated_at, last_login_at, is_deleted, _extracted_at,
        _run_id
    from staging.pipedrive_users
)

select
    user_id,
    source_id,
    native_id,
    owner_native_id,
    user_native_id,
    sha256($salt || lower(trim(email))) as person_key,
    full_name,
    role_name,
    profile_name,
    'team:' || nullif(trim(regexp_replace(lower(team_name), '[^\p{L}\p{N}]+', '-', 'g'), '-'), '') as team_id,
    team_name,
    manager_user_id,
    coalesce(is_active, false) as is_active,
    coalesce(is_human, false) as is_human,
    coalesce(is_human, false) and source_id not in (select source_id from staging.files_user) as is_licensed,
    provisioned_at,
    deactivated_at,
    last_login_at,
    is_deleted,
    _extracted_at,
    _run_id
from users
