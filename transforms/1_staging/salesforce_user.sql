-- Salesforce User records, as they are
-- Grain:    one row per user_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || Id as user_id,
    Id as native_id,
    Email as email,
    Name as full_name,
    try_cast(IsActive as boolean) as is_active,
    UserType as user_type,
    _source_id || ':' || UserRoleId as role_id,
    _source_id || ':' || ProfileId as profile_id,
    _source_id || ':' || ManagerId as manager_user_id,
    nullif(trim(Region__c), '') as region,
    nullif(trim(Segment__c), '') as segment,
    try_cast(CreatedDate as timestamptz) as created_at,
    try_cast(LastLoginDate as timestamptz) as last_login_at,
    try_cast(LastModifiedDate as timestamptz) as last_modified_at,
    coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_salesforce.User
