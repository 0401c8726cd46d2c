-- Question: what became of every deal?
-- Grain:    one row per opportunity_id
-- Excludes: nothing; deleted deals are flagged, deals no figure should count have is_countable = false and a reason
-- Won, lost and open come from the record's flags, then from the stage's meaning, never from a label. closed_at is the
-- entry into the last unbroken run of closed stages, not the editable close date. The team is that of the owner at
-- creation: later reassignment moves no history between teams. A HubSpot deal in a currency without a listed rate takes
-- the rate HubSpot wrote on the deal. A deal from a file without a date of its beginning began when it closed, or when it
-- was read.
with hubspot_companies as (
    select from_id as opportunity_id, min_by(to_id, (not coalesce(is_primary, false), type_id, to_id)) as account_id
    from staging.hubspot_association
    where from_object = 'deals' and to_object = 'companies'
    group by all
),

hubspot_contacts as (
    select from_id as opportunity_id, min(to_id) as primary_contact_id
    from staging.hubspot_association
    where from_object = 'deals' and to_object = 'contacts'
    group by all
),

hubspot_pushes as (
    select record_id as opportunity_id, count(*) as push_count
    from (
        select
            record_id,
            date_trunc('month', timezone($timezone, try_cast(value as timestamptz))) as due_month,
            lag(date_trunc('month', timezone($timezone, try_cast(value as timestamptz)))) over (partition by record_id order by seq)
            as earlier
        from staging.hubspot_property_change
        where object = 'deals' and property = 'closedate'
    )
    where due_month > earlier
    group by all
),

deals as (
    select
        opportunity_id, source_id, native_id, name, account_id, primary_contact_id, owner_id,
        'default' as pipeline_native_id, stage_native_id, is_closed, is_won, deal_type, amount_native, currency_code,
        probability_pct / 100.0 as probability, forecast_category, close_date as expected_close_date,
        case
            when close_date = cast(timezone($timezone, created_at) as date) then created_at
            else timezone($timezone, cast(close_date as timestamp))
        end as close_field_at,
        created_at, lead_source, campaign_id, next_step, timezone($timezone, cast(last_activity_date as timestamp)) as last_activity_at,
        last_modified_at, push_count, loss_reason, is_deleted, _extracted_at, _run_id
    from staging.salesforce_opportunity
    union all by name
    select
        d.opportunity_id, d.source_id, d.native_id, d.name, c.account_id, p.primary_contact_id,
        d.source_id || ':' || d.owner_native_id as owner_id, coalesce(d.pipeline_native_id, 'default') as pipeline_native_id,
        d.stage_native_id, d.is_closed, d.is_won, d.deal_type, d.amount_native, d.currency_code, d.exchange_rate, d.probability,
        d.forecast_category, cast(timezone($timezone, d.close_at) as date) as expected_close_date,
        d.close_at as close_field_at, d.created_at, d.lead_source, d.source_id || ':' || d.campaign_native_id as campaign_id,
        d.next_step, d.last_activity_at, d.last_modified_at, s.push_count, d.loss_reason, d.is_deleted,
        d._extracted_at, d._run_id
    from staging.hubspot_deals as d
    left join hubspot_companies as c using (opportunity_id)
    left join hubspot_contacts as p using (opportunity_id)
    left join hubspot_pushes as s using (opportunity_id)
    union all by name
    select
        opportunity_id, source_id, native_id, name, account_id, contact_id as primary_contact_id, owner_id, team_id as given_team_id,
        coalesce(pipeline_native_id, 'default') as pipeline_native_id, coalesce(stage_native_id, status) as stage_native_id,
        status in ('won', 'lost') as is_closed, status = 'won' as is_won, status not in ('won', 'lost', 'open') as is_status_unknown,
        deal_type, amount_native, upper(currency_code) as currency_code,
        probability, expected_close_date,
        -- a day of the same day as an instant is not before it
        coalesce(
            closed_at,
            greatest(
                timezone($timezone, cast(closed_date as timestamp)),
                case when closed_date = cast(timezone($timezone, created_at) as date) then created_at end
            )
        ) as close_field_at,
        'legacy' as field_basis, coalesce(created_at, timezone($timezone, cast(created_date as timestamp))) as created_at,
        lead_source, loss_reason, is_deleted, _extracted_at, _run_id
    from staging.files_opportunity
    union all by name
    select
        opportunity_id, source_id, native_id, name, account_id, primary_contact_id, owner_id, pipeline_native_id,
        stage_native_id, is_closed, is_won, deal_type, amount_native, currency_code, probability, expected_close_date,
        close_at as close_field_at, created_at, lead_source, next_step, last_modified_at, loss_reason, is_deleted,
        _extracted_at, _run_id
    from staging.pipedrive_deals
),

staged as (
    select
        h.opportunity_id, h.entered_at, s.is_closed, s.canonical_stage, h.basis,
        max(h.seq) filter (where not s.is_closed) over (partition by h.opportunity_id) as last_open_seq, h.seq
    from core.opportunity_stage_history as h
    inner join core.pipeline_stage as s using (stage_key)
    where h.basis <> 'current_record'
),

milestones as (
    select
        opportunity_id,
        min(entered_at) filter (where is_closed and seq > coalesce(last_open_seq, 0)) as closed_stage_at,
        any_value(basis) as history_basis,
        min(entered_at) filter (where canonical_stage in ('qualify', 'propose', 'negotiate', 'won')) as qualified_at
    from staged
    group by opportunity_id
),

worked as (
    select opportunity_id, max(occurred_at) as last_activity_at
    from core.activity
    where opportunity_id is not null and is_completed and not is_deleted
    group by opportunity_id
),

own_accounts as (
    select account_id from core.account_domain where is_own
    union
    select m.record_id
    from core.merged_record as m
    inner join core.account_domain as n on n.account_id = m.survivor_id and n.is_own
    where m.object = 'account'
),

judged as (
    select
        d.*,
        concat_ws(':', d.source_id, 'opportunity', d.pipeline_native_id, d.stage_native_id) as stage_key,
        case
            when coalesce(d.is_won, s.is_won) then 'won'
            when coalesce(d.is_closed, s.is_closed) then 'lost'
            else 'open'
        end as status,
        s.pipeline_name, s.stage_label, m.closed_stage_at, m.history_basis, m.qualified_at, g.survivor_id as merged_into_id,
        n.account_id is not null as is_own
    from deals as d
    left join core.pipeline_stage as s
        on s.stage_key = concat_ws(':', d.source_id, 'opportunity', d.pipeline_native_id, d.stage_native_id)
    left join milestones as m using (opportunity_id)
    left join core.merged_record as g on g.object = 'opportunity' and g.record_id = d.opportunity_id
    left join own_accounts as n on n.account_id = d.account_id
),

line_costs as (
    select
        l.opportunity_id, sum(l.amount_native) as amount_native,
        case when count(*) = count(p.unit_cost_base) then sum(l.quantity * p.unit_cost_base) end as cost_base
    from (
        select opportunity_id, product_id, quantity, amount_native, is_deleted from staging.salesforce_opportunity_line_item
        union all
        select a.to_id, h.product_id, h.quantity, h.amount_native, h.is_deleted
        from staging.hubspot_line_items as h
        inner join staging.hubspot_association as a
            on a.from_object = 'line_items' and a.to_object = 'deals' and a.from_id = h.line_id
    ) as l
    left join core.product as p using (product_id)
    where not l.is_deleted
    group by l.opportunity_id
),

closed as (
    select
        j.*,
        case when j.status <> 'open' then coalesce(j.closed_stage_at, j.close_field_at) end as closed_at,
        case
            when j.status = 'open' or coalesce(j.closed_stage_at, j.close_field_at) is null then null
            when j.closed_stage_at is null then coalesce(j.field_basis, 'close_date_field')
            when j.history_basis in ('hs_date_entered', 'snapshot_diff', 'legacy') then j.history_basis
            else 'stage_history'
        end as close_basis,
        case
            when j.merged_into_id is not null then 'merged'
            when j.is_status_unknown then 'unknown_status'
            when j.created_at is null and (j.status = 'open' or coalesce(j.closed_stage_at, j.close_field_at) is null) then 'undated'
            when lower(j.deal_type) = 'duplicate' or lower(j.stage_label) = 'duplicate'
                or regexp_matches(lower(coalesce(j.loss_reason, '')), 'duplicate|merged into') then 'duplicate'
            when regexp_matches(lower(coalesce(j.pipeline_name, '')), '^(test|sandbox|demo)\b')
                or contains(coalesce(j.name, ''), '(Sample Deal)') then 'test'
            when j.amount_native < 0 then 'negative_amount'
            when j.is_own then 'internal'
        end as exclude_reason
    from judged as j
)

select
    c.opportunity_id,
    c.source_id,
    c.native_id,
    c.name,
    coalesce(a.survivor_id, c.account_id) as account_id,
    c.primary_contact_id,
    c.owner_id,
    coalesce(i.owner_id, c.owner_id) as initial_owner_id,
    coalesce(c.given_team_id, u.team_id) as team_id,
    c.pipeline_name,
    c.stage_key,
    c.status,
    case
        when c.deal_type is null then null
        when lower(c.deal_type) like 'new%' then 'new'
        when lower(c.deal_type) like '%renew%' then 'renewal'
        when regexp_matches(lower(c.deal_type), 'exist|upgrade|expan|upsell|add-on') then 'expansion'
        else 'other'
    end as deal_type,
    c.exclude_reason is null as is_countable,
    c.exclude_reason,
    cast(c.amount_native as decimal(38, 2)) as amount_native,
    coalesce(c.currency_code, $base_currency) as currency_code,
    coalesce(r.rate_to_base, c.exchange_rate) as fx_rate_to_base,
    case
        when coalesce(r.rate_to_base, c.exchange_rate) = 1 then cast(c.amount_native as decimal(38, 2))
        else cast(c.amount_native * coalesce(r.rate_to_base, c.exchange_rate) as decimal(38, 2))
    end as amount_base,
    cast(
        1 - l.cost_base / nullif(l.amount_native * coalesce(r.rate_to_base, c.exchange_rate), 0) as double
    ) as gross_margin_pct,
    cast(c.probability as double) as probability,
    c.forecast_category,
    c.created_at,
    c.qualified_at,
    c.expected_close_date,
    c.closed_at,
    c.close_basis,
    c.loss_reason,
    c.lead_source,
    c.campaign_id,
    c.next_step,
    c.last_modified_at,
    greatest(c.last_activity_at, w.last_activity_at) as last_activity_at,
    cast(c.push_count as integer) as push_count,
    c.merged_into_id,
    c.is_deleted,
    c._extracted_at,
    c._run_id
from closed as c
left join core.initial_owner as i on i.object = 'opportunity' and i.record_id = c.opportunity_id
left join core.user_team_history as u
    on u.user_id = coalesce(i.owner_id, c.owner_id)
    and coalesce(c.created_at, c.closed_at) >= u.valid_from
    and coalesce(c.created_at, c.closed_at) < coalesce(u.valid_to, timestamptz '9999-12-31 00:00:00+00')
left join core.merged_record as a on a.object = 'account' and a.record_id = c.account_id
left join line_costs as l using (opportunity_id)
left join worked as w using (opportunity_id)
left join core.fx_rate as r
    on r.source_id = c.source_id
    and r.currency_code = coalesce(c.currency_code, $base_currency)
    and r.valid_from <= cast(timezone($timezone, coalesce(c.closed_at, $as_of)) as date)
    and r.valid_to > cast(timezone($timezone, coalesce(c.closed_at, $as_of)) as date)
