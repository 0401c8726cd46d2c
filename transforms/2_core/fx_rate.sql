-- Question: what was one unit of a currency worth in the base currency on a day?
-- Grain:    one row per source_id, currency_code, valid_from
-- Excludes: currencies the source gives no way to convert; amounts in them stay unknown
-- Salesforce gives units of a currency for one unit of the corporate currency (divide), HubSpot the worth of one unit
-- in the account's currency (multiply). HubSpot's first rate also holds for the time before it. Pipedrive tells no
-- rates: those of another CRM of the company hold.
with salesforce_units as (
    select
        source_id, currency_code, valid_from, coalesce(valid_to, date '9999-12-31') as valid_to, units_per_corporate,
        'dated_conversion_rate' as source
    from staging.salesforce_dated_conversion_rate
    where not is_deleted
    union all
    select
        t.source_id, t.currency_code, date '1900-01-01' as valid_from, date '9999-12-31' as valid_to,
        t.units_per_corporate, 'currency_type' as source
    from staging.salesforce_currency_type as t
    anti join staging.salesforce_dated_conversion_rate as d
        on d.source_id = t.source_id and d.currency_code = t.currency_code
    where not t.is_deleted
),

salesforce_rates as (
    select
        c.source_id, c.currency_code, greatest(c.valid_from, b.valid_from) as valid_from,
        least(c.valid_to, b.valid_to) as valid_to,
        b.units_per_corporate / nullif(c.units_per_corporate, 0) as rate_to_base, c.source
    from salesforce_units as c
    inner join salesforce_units as b
        on b.source_id = c.source_id
        and b.currency_code = $base_currency
        and c.valid_from < b.valid_to
        and b.valid_from < c.valid_to
    where c.currency_code <> $base_currency
),

hubspot_quotes as (
    select
        source_id, from_currency_code as currency_code, cast(timezone($timezone, effective_at) as date) as valid_from,
        conversion_rate as rate_to_base
    from staging.hubspot_exchange_rates
    where to_currency_code = $base_currency and from_currency_code <> $base_currency and not is_deleted
    qualify row_number() over (partition by source_id, from_currency_code, cast(timezone($timezone, effective_at) as date) order by effective_at desc) = 1
),

hubspot_rates as (
    select
        source_id, currency_code,
        case when lag(valid_from) over earlier is null then date '1900-01-01' else valid_from end as valid_from,
        coalesce(lead(valid_from) over earlier, date '9999-12-31') as valid_to, rate_to_base, 'hubspot_exchange_rate' as source
    from hubspot_quotes
    window earlier as (partition by source_id, currency_code order by valid_from)
),

pipedrive_rates as (
    select p.source_id, r.currency_code, r.valid_from, r.valid_to, r.rate_to_base, 'other_source' as source
    from (select distinct source_id from staging.pipedrive_deals) as p
    cross join (select * from salesforce_rates union all by name select * from hubspot_rates) as r
    qualify dense_rank() over (partition by p.source_id, r.currency_code order by r.source_id) = 1
)

select source_id, currency_code, $base_currency as base_currency, valid_from, valid_to, rate_to_base, source
from salesforce_rates
union all
select source_id, currency_code, $base_currency, valid_from, valid_to, rate_to_base, source
from hubspot_rates
union all
select source_id, currency_code, $base_currency, valid_from, valid_to, rate_to_base, source
from pipedrive_rates
union all
select source_id, $base_currency, $base_currency, date '1900-01-01', date '9999-12-31', 1.0, 'identity'
from core.source_instance
