-- Question: how did each rater score each product on each criterion?
-- Grain:    one row per product_id, criterion_id, rater
-- Excludes: criteria that only group others
select
    s.product_id, s.criterion_id, s.rater, s.score, c.scale_min, c.scale_max, c.weight,
    coalesce(c.weight_low, c.weight) as weight_low, coalesce(c.weight_high, c.weight) as weight_high,
    coalesce(c.is_must_have, false) as is_must_have
from config.crm_score as s
inner join config.crm_criterion as c on c.criterion_id = s.criterion_id
where s.score is not null and c.scale_max > c.scale_min
    and c.criterion_id not in (select parent_id from config.crm_criterion where parent_id is not null)
order by s.product_id, s.criterion_id, s.rater
