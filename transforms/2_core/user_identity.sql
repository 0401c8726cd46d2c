-- Question: which user does an id in log-ins and change logs mean?
-- Grain:    one row per source_id, user_native_id
-- Excludes: nothing. A HubSpot user who was removed and invited again has two owners; the newest active one counts
select source_id, user_native_id, user_id
from core.app_user
where user_native_id is not null
qualify row_number() over (
    partition by source_id, user_native_id order by is_active desc, provisioned_at desc, user_id
) = 1
