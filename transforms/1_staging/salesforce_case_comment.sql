-- Salesforce CaseComment records, as they are
-- Grain:    one row per comment_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || Id as comment_id,
    Id as native_id,
    _source_id || ':' || ParentId as ticket_id,
    try_cast(IsPublished as boolean) as is_published,
    _source_id || ':' || CreatedById as created_by_id,
    try_cast(CreatedDate as timestamptz) as created_at,
    coalesce(try_cast(IsDeleted as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_salesforce.CaseComment
