-- Salesforce Account records, as they are
-- Grain:    one row per account_id
-- Excludes: nothing; deleted records are flagged
select
    _source_id as source_id,
    _source_id || ':' || Id as account_id,
    Id as native_id,
    Name as name,
    Website as website,
    Industry as industry,
    Type as account_type,
    BillingCountry as country,
    Region__c as region,
    Segment__c as segment,
    try_cast(NumberOfEmployees as bigint) as employee_count,
    AnnualRevenue as annual_revenue_native,
    _source_id || ':' || OwnerId as owner_id,
    _source_id || ':' || ParentId as parent_account_id,
    try_cast(CreatedDate as timestamptz) as created_at,
    _source_id || ':' || CreatedById as created_by_id,
    _source_id || ':' || MasterRecordId as merged_into_id,
    CurrencyIsoCode as currency_code,
    coalesce(try_cast(IsDeleted as boolean), false) or coalesce(_deleted, false) as is_deleted,
    _extracted_at,
    _run_id
from raw_salesforce.Account
