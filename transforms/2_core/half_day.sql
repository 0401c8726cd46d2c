-- Question: on which local day does an instant fall? Told by halves of UTC days, because asking the time zone about every
--           single record costs more than all else
-- Grain:    one row per half_day
-- Excludes: halves in which clocks change, of which the time zone has to be asked; days outside core.calendar
with halves as (
    select half_day, make_timestamptz(half_day * 43200000000) as starts_at
    from (
        select unnest(range(2 * min(day - date '1970-01-01'), 2 * max(day - date '1970-01-01'))) as half_day
        from core.calendar
    ) as h
),

placed as (
    select
        half_day, starts_at, timezone($timezone, starts_at) as starts_local,
        timezone($timezone, starts_at + to_microseconds(43199999999)) as ends_local
    from halves
)

select
    half_day,
    cast(starts_local as date) as day,
    cast(starts_local as date) + 1 as later_day,
    epoch_us(starts_at) + epoch_us(date_trunc('day', starts_local)) + 86400000000 - epoch_us(starts_local) as turn_us
from placed
where epoch_us(ends_local) - epoch_us(starts_local) = 43199999999
