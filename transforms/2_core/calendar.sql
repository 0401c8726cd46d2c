-- Question: in which week, month, quarter and year does a local day fall?
-- Grain:    one row per day, period_grain
-- Excludes: nothing from 1989 to a year after the data; weeks are ISO weeks, quarters and years fiscal ones. The first
--           moment core holds is in 1990 (crmlift.raw_reading): a local day and its periods may begin the year before
with setting as (
    select coalesce(max(try_cast(value as integer)), 1) - 1 as months_late
    from config.setting
    where name = 'fiscal_year_start'
),

days as (
    select cast(d.day as date) as day
    from generate_series(
        timestamp '1989-01-01', timezone($timezone, $as_of) + interval 366 day, interval 1 day
    ) as d(day)
),

fiscal as (
    -- moved back so that the fiscal year is the calendar year; the first of a month never overflows
    select
        d.day, s.months_late, cast(date_trunc('month', d.day) - to_months(s.months_late) as date) as fiscal_month
    from days as d
    cross join setting as s
),

starts as (
    select day, 'day' as period_grain, day as period_start, day + 1 as period_end from days
    union all
    select day, 'week', cast(date_trunc('week', day) as date), cast(date_trunc('week', day) as date) + 7 from days
    union all
    select
        day, 'month', cast(date_trunc('month', day) as date), cast(date_trunc('month', day) + interval 1 month as date)
    from days
    union all
    select
        day, 'quarter', cast(date_trunc('quarter', fiscal_month) + to_months(months_late) as date),
        cast(date_trunc('quarter', fiscal_month) + to_months(months_late + 3) as date)
    from fiscal
    union all
    select
        day, 'year', cast(date_trunc('year', fiscal_month) + to_months(months_late) as date),
        cast(date_trunc('year', fiscal_month) + to_months(months_late + 12) as date)
    from fiscal
)

select
    day, period_grain, period_start, period_end,
    position(left(period_grain, 1) in 'dwmqy') * 1000000 + date_diff('day', date '1970-01-01', period_start) as period_key
from starts
