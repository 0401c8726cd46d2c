-- Question: what did each customer buy when?
-- Grain:    one row per transaction_id
-- Excludes: deals without a company, without an amount, or that no figure counts. Orders and invoices are not read yet:
--           a won deal stands for its purchase
select
    opportunity_id as transaction_id,
    source_id,
    account_id,
    closed_at as occurred_at,
    amount_base,
    cast(amount_base * gross_margin_pct as decimal(38, 2)) as gross_margin_base,
    deal_type = 'renewal' as is_recurring,
    'won_opportunity' as basis
from core.opportunity
where status = 'won' and is_countable and not is_deleted
    and account_id is not null and amount_base > 0 and closed_at is not null
