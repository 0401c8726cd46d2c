"""The objects read by default, and what becomes unknown without them."""

from __future__ import annotations

from collections.abc import Mapping

DEFAULT_OBJECTS: Mapping[str, str] = {
    "User": "people, their teams and everything split by them",
    "UserRole": "teams",
    "Profile": "which users are people and which are integrations",
    "CurrencyType": "amounts in more than one currency",
    "DatedConversionRate": "amounts at the exchange rate of their day",
    "OpportunityStage": "which stages are open, won and lost",
    "LeadStatus": "which leads count as converted",
    "CaseStatus": "which states of a case are closed",
    "Product2": "what was sold",
    "Account": "customers",
    "Contact": "customers' contacts",
    "Campaign": "where leads came from",
    "CampaignMember": "where leads came from",
    "Lead": "lead conversion and response times",
    "LeadHistory": "lead response times",
    "Opportunity": "revenue, win rate and sales cycle",
    "OpportunityHistory": "time in stage and pushed close dates",
    "OpportunityFieldHistory": "changes of owner and forecast",
    "OpportunityLineItem": "what was sold",
    "OpportunityContactRole": "whom deals are discussed with",
    "Task": "activity and response times",
    "Event": "activity",
    "EmailMessage": "first response times of cases",
    "Case": "resolution times",
    "CaseHistory": "reopened cases and hand-overs",
    "CaseComment": "first response times of cases",
    "CaseMilestone": "service levels kept",
    "MilestoneType": "which promise a service level is",
    "SurveyInvitation": "satisfaction: who was asked",
    "SurveyResponse": "satisfaction: who answered",
    "SurveyQuestionResponse": "satisfaction: scores",
    "LoginHistory": "adoption: who logs in",
}
"""Object → what is weaker without it, reference objects first."""

ONLY_WITH: Mapping[str, str] = {
    "CurrencyType": "more than one currency",
    "DatedConversionRate": "more than one currency",
    "CaseMilestone": "entitlements",
    "MilestoneType": "entitlements",
    "SurveyInvitation": "Salesforce Surveys",
    "SurveyResponse": "Salesforce Surveys",
    "SurveyQuestionResponse": "Salesforce Surveys",
}
"""Objects that only orgs with a feature have; an org without it lacks nothing."""

NEEDED_FIELDS: Mapping[str, tuple[str, ...]] = {
    "User": ("Name", "IsActive", "UserRoleId"),
    "Account": ("Name", "OwnerId", "CreatedDate"),
    "Lead": ("Status", "OwnerId", "CreatedDate", "IsConverted", "ConvertedDate", "ConvertedOpportunityId"),
    "Opportunity": (
        "StageName",
        "Amount",
        "CloseDate",
        "OwnerId",
        "AccountId",
        "CreatedDate",
        "IsClosed",
        "IsWon",
    ),
    "OpportunityHistory": ("OpportunityId", "StageName", "CreatedDate"),
    "Case": ("Status", "OwnerId", "CreatedDate", "ClosedDate", "IsClosed"),
    "Task": ("OwnerId", "WhoId", "WhatId", "CreatedDate"),
    "Event": ("OwnerId", "WhoId", "WhatId", "StartDateTime"),
    "LoginHistory": ("UserId", "LoginTime"),
}
"""Fields core reads; one that is hidden from the integration user is worth a finding."""
