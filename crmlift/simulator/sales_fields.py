"""Salesforce: the fields of every simulated object, as its describe would list them."""

from __future__ import annotations

from collections.abc import Mapping

from crmlift.simulator.company import SimField
from crmlift.simulator.rows import declare

AUDIT = ("CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp")

_MODIFIED = """
LastModifiedDate datetime
LastModifiedById reference -> User
SystemModstamp datetime
"""
_CREATED = """
CreatedDate datetime
CreatedById reference -> User
"""
_AUDIT = _CREATED + _MODIFIED.lstrip("\n")

MODIFIED_FIELDS, CREATED_FIELDS, AUDIT_FIELDS = _MODIFIED.strip(), _CREATED.strip(), _AUDIT.strip()
"""For objects that are declared elsewhere."""

_STAGES = "Prospecting|Qualification|Proposal/Price Quote|Negotiation/Review|Closed Won|Closed Lost|Duplicate"
_FORECAST = "Omitted|Pipeline|BestCase|Forecast|Closed"

_DECLARED = {
    "User": """
Id id
Username string 80
Email email 128
FirstName string 40
LastName string 80
Name string 121
Alias string 8
Title string 80
IsActive boolean
UserType picklist = Standard|PowerPartner|Guest
UserRoleId reference -> UserRole
ProfileId reference -> Profile
ManagerId reference -> User
TimeZoneSidKey picklist
LocaleSidKey picklist
DefaultCurrencyIsoCode picklist = EUR|USD|UAH
LastLoginDate datetime
""" + _AUDIT.lstrip("\n"),
    "UserRole": """
Id id
Name string 80
DeveloperName string 80
ParentRoleId reference -> UserRole
""" + _MODIFIED.lstrip("\n"),
    "Profile": """
Id id
Name string 255
UserType picklist = Standard|Guest
""" + _AUDIT.lstrip("\n"),
    "Account": """
Id id
IsDeleted boolean
MasterRecordId reference -> Account
Name string 255
Type picklist = Prospect|Customer
ParentId reference -> Account
BillingCountry string 80
Phone phone
Website url
Industry picklist
AnnualRevenue currency
NumberOfEmployees int
Description textarea
Rating picklist = Hot|Warm|Cold
AccountSource picklist
OwnerId reference -> User
CurrencyIsoCode picklist = EUR|USD|UAH
""" + _AUDIT.lstrip("\n") + "LastActivityDate date\n",
    "Contact": """
Id id
IsDeleted boolean
MasterRecordId reference -> Contact
AccountId reference -> Account
FirstName string 40
LastName string 80
Name string 121
Email email 80
Phone phone
Title string 128
LeadSource picklist
OwnerId reference -> User
CurrencyIsoCode picklist = EUR|USD|UAH
""" + _AUDIT.lstrip("\n"),
    "Lead": """
Id id
IsDeleted boolean
MasterRecordId reference -> Lead
FirstName string 40
LastName string 80
Name string 121
Company string 255
Email email 80
Status picklist = Open - Not Contacted|Working - Contacted|Qualified|Closed - Converted|Closed - Not Converted
LeadSource picklist
OwnerId reference -> User
IsConverted boolean
ConvertedDate date
ConvertedAccountId reference -> Account
ConvertedContactId reference -> Contact
ConvertedOpportunityId reference -> Opportunity
CurrencyIsoCode picklist = EUR|USD|UAH
""" + _AUDIT.lstrip("\n"),
    "LeadHistory": """
Id id
IsDeleted boolean
LeadId reference -> Lead
Field picklist
DataType picklist
OldValue string
NewValue string
""" + _CREATED.lstrip("\n"),
    "Opportunity": f"""
Id id
IsDeleted boolean
AccountId reference -> Account
ContactId reference -> Contact
Name string 120
Description textarea
StageName picklist = {_STAGES}
Amount currency
Probability percent
ExpectedRevenue currency
CloseDate date
Type picklist = New Business|Existing Business|Duplicate
NextStep string 255
LeadSource picklist
IsClosed boolean
IsWon boolean
ForecastCategory picklist = {_FORECAST}
ForecastCategoryName picklist = Omitted|Pipeline|Best Case|Commit|Closed
CampaignId reference -> Campaign
HasOpportunityLineItem boolean
OwnerId reference -> User
CurrencyIsoCode picklist = EUR|USD|UAH
{_AUDIT.strip()}
LastActivityDate date
LastStageChangeDate datetime
PushCount int
FiscalYear int
FiscalQuarter int
Loss_Reason__c picklist = Price|No decision|Competitor|No budget|Timing
Age_In_Days__c double calculated "Age in days"
Account_Key__c string 18 calculated "Account id, by formula"
""",
    "OpportunityHistory": f"""
Id id
IsDeleted boolean
OpportunityId reference -> Opportunity
StageName picklist = {_STAGES}
Amount currency
ExpectedRevenue currency
CloseDate date
Probability percent
ForecastCategory picklist = {_FORECAST}
CurrencyIsoCode picklist = EUR|USD|UAH
{_CREATED.strip()}
SystemModstamp datetime
""",
    "OpportunityFieldHistory": """
Id id
IsDeleted boolean
OpportunityId reference -> Opportunity
Field picklist
DataType picklist
OldValue string
NewValue string
""" + _CREATED.lstrip("\n"),
    "OpportunityStage": f"""
Id id
MasterLabel string 255
ApiName string 255
IsActive boolean
SortOrder int
IsClosed boolean
IsWon boolean
ForecastCategory picklist = {_FORECAST}
ForecastCategoryName picklist
DefaultProbability percent
{_AUDIT.strip()}
""",
    "OpportunityLineItem": """
Id id
IsDeleted boolean
OpportunityId reference -> Opportunity
Product2Id reference -> Product2
Name string 255
Quantity double
UnitPrice currency
TotalPrice currency
CurrencyIsoCode picklist = EUR|USD|UAH
""" + _AUDIT.lstrip("\n"),
    "Product2": """
Id id
IsDeleted boolean
Name string 255
ProductCode string 255
Family picklist = Licence|Service
Unit_Cost__c currency
CurrencyIsoCode picklist = EUR|USD|UAH
IsActive boolean
""" + _AUDIT.lstrip("\n"),
    "Task": """
Id id
IsDeleted boolean
WhoId reference -> Contact|Lead
WhatId reference -> Account|Opportunity
AccountId reference -> Account
Subject string 255
ActivityDate date
Status picklist = Not Started|In Progress|Completed|Deferred
Priority picklist = High|Normal|Low
TaskSubtype picklist = Task|Call|Email|ListEmail
Type picklist = Call|Email|Other
CallType picklist = Inbound|Outbound|Internal
CallDurationInSeconds int
Description textarea
IsClosed boolean
IsArchived boolean
IsRecurrence boolean
RecurrenceActivityId reference -> Task
CompletedDateTime datetime
OwnerId reference -> User
CurrencyIsoCode picklist = EUR|USD|UAH
""" + _AUDIT.lstrip("\n"),
    "Event": """
Id id
IsDeleted boolean
WhoId reference -> Contact|Lead
WhatId reference -> Account|Opportunity
AccountId reference -> Account
Subject string 255
Location string 255
ActivityDate date
StartDateTime datetime
EndDateTime datetime
DurationInMinutes int
Description textarea
IsArchived boolean
IsChild boolean
IsGroupEvent boolean
IsRecurrence boolean
RecurrenceActivityId reference -> Event
OwnerId reference -> User
CurrencyIsoCode picklist = EUR|USD|UAH
""" + _AUDIT.lstrip("\n"),
    "Campaign": """
Id id
IsDeleted boolean
Name string 80
Type picklist
Status picklist = Planned|In Progress|Completed|Aborted
StartDate date
EndDate date
IsActive boolean
ActualCost currency
BudgetedCost currency
""" + _AUDIT.lstrip("\n"),
    "LoginHistory": """
Id id
UserId reference -> User
LoginTime datetime
LoginType picklist
Status string 128
Application string 255
Platform string 64
Browser string 64
SourceIp string 39
ApiType string 64
LoginUrl string 255
""",
    "CurrencyType": """
Id id
IsoCode picklist
ConversionRate double
DecimalPlaces int
IsActive boolean
IsCorporate boolean
""" + _AUDIT.lstrip("\n"),
    "DatedConversionRate": """
Id id
IsoCode picklist
StartDate date
NextStartDate date
ConversionRate double
""" + _AUDIT.lstrip("\n"),
}  # fmt: skip

FIELDS: Mapping[str, tuple[SimField, ...]] = {name: declare(text) for name, text in _DECLARED.items()}
"""Object name → its fields."""
