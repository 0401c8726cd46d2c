-- Question: where did people begin to record something, or begin to record far more of it?
-- Grain:    one row per object, field, source_id looked at
-- Excludes: months with fewer than 30 records a month after the jump; the first and last month of a source. The records of
--           the months before a jump to more than three times as many are the failing ones: missing is not zero
with records as (
    select 'activity' as object, type as field, source_id, date_trunc('month', make_timestamp(epoch_us(created_at))) as month
    from core.activity
    where not is_deleted and not is_automated
    union all
    select 'survey_response', survey_kind, source_id, date_trunc('month', make_timestamp(epoch_us(responded_at))) from core.survey_response where not is_deleted
    union all
    select 'login_event', 'login_at', source_id, date_trunc('month', make_timestamp(epoch_us(login_at))) from core.login_event where is_succeeded
    union all
    select 'opportunity', 'created_at', source_id, date_trunc('month', make_timestamp(epoch_us(created_at))) from core.opportunity where not is_deleted
),

counted as (
    select object, field, source_id, month, count(*) as n
    from records
    where month >= timestamp '2000-01-01' and month < date_trunc('month', make_timestamp(epoch_us($as_of)))
    group by all
),

spans as (
    select source_id, min(month) as first_month, max(month) as last_month from counted group by source_id
),

months as (
    -- every month of the source, also those in which nothing of the kind was recorded
    select k.object, k.field, s.source_id, unnest(generate_series(s.first_month, s.last_month, interval 1 month)) as month
    from spans as s
    inner join (select distinct object, field, source_id from counted) as k using (source_id)
),

filled as (
    select m.object, m.field, m.source_id, m.month, coalesce(c.n, 0) as n
    from months as m
    left join counted as c using (object, field, source_id, month)
),

around as (
    select
        object, field, source_id, month, n,
        avg(n) over earlier as before, avg(n) over later as after, count(*) over earlier as months_before
    from filled
    window
        earlier as (partition by object, field, source_id order by month rows between 3 preceding and 1 preceding),
        later as (partition by object, field, source_id order by month rows between current row and 2 following)
),

jumps as (
    select object, field, source_id, max(month) as jumped_at
    from around
    where months_before = 3 and after >= 30 and after > 3 * before and month > timestamp '2000-01-01'
    group by all
)

select
    f.object,
    f.field,
    f.source_id,
    count(*) filter (where f.month < j.jumped_at) as failing_rows,
    count(*) as total_rows,
    [strftime(any_value(j.jumped_at), '%Y-%m')] as sample_ids
from filled as f
left join jumps as j on j.object = f.object and j.field = f.field and j.source_id = f.source_id
group by f.object, f.field, f.source_id
