"""HubSpot: the properties of every simulated object, as its properties API would list them."""

from __future__ import annotations

from collections.abc import Mapping

from crmlift.simulator.company import SimField
from crmlift.simulator.rows import declare

_SOURCE = "hs_object_source enumeration = CRM_UI|FORM|IMPORT|INTEGRATION|AUTOMATION_PLATFORM|EMAIL_INTEGRATION"

RENEWAL_PIPELINE = "77130452"
RENEWAL_STAGES = ("160310001", "160310002", "160310003", "160310004")
DUE, OFFERED, RENEWED, LAPSED = range(4)
OFFERED_PROPERTY = f"hs_v2_date_entered_{RENEWAL_STAGES[OFFERED]}_1839274650"
LIFECYCLE = ("subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer")

_ENGAGEMENT = f"""
hs_object_id number
hs_createdate datetime
hs_lastmodifieddate datetime
hs_timestamp datetime
hubspot_owner_id enumeration
hs_created_by_user_id number
{_SOURCE}
"""

_DECLARED = {
    "contacts": f"""
hs_object_id number
email string
firstname string
lastname string
jobtitle string
country string
message string
createdate datetime
lastmodifieddate datetime
lifecyclestage enumeration = {"|".join(LIFECYCLE)}
hs_lead_status enumeration = NEW|CONNECTED|UNQUALIFIED|OPEN_DEAL
hubspot_owner_id enumeration
hubspot_owner_assigneddate datetime
hs_analytics_source enumeration = ORGANIC_SEARCH|PAID_SEARCH|DIRECT_TRAFFIC|SOCIAL_MEDIA|REFERRALS|OFFLINE
{"".join(f"hs_v2_date_entered_{stage} datetime calculated{chr(10)}" for stage in LIFECYCLE).strip()}
hs_sa_first_engagement_date datetime calculated
hs_sa_first_engagement_object_type enumeration = CALL|EMAIL|MEETING_EVENT
hs_time_to_first_engagement number calculated
hs_merged_object_ids enumeration
{_SOURCE}
""",
    "companies": f"""
hs_object_id number
name string
domain string
industry enumeration = AGRICULTURE|TRANSPORTATION|CONSTRUCTION|MANUFACTURING|RETAIL|TECHNOLOGY|HEALTHCARE
country string
numberofemployees number
annualrevenue number
description string
createdate datetime
hs_lastmodifieddate datetime
hubspot_owner_id enumeration
hs_merged_object_ids enumeration
{_SOURCE}
""",
    "deals": f"""
hs_object_id number
dealname string
description string
amount number
deal_currency_code enumeration = EUR|USD
hs_exchange_rate number
amount_in_home_currency number calculated
createdate datetime
hs_createdate datetime
hs_lastmodifieddate datetime
closedate datetime
pipeline enumeration = default|{RENEWAL_PIPELINE}
dealstage enumeration = {"|".join(RENEWAL_STAGES)}
dealtype enumeration = newbusiness|existingbusiness
hubspot_owner_id enumeration
hs_is_closed bool calculated
hs_is_closed_won bool calculated
hs_deal_stage_probability number calculated
hs_manual_forecast_category enumeration = OMIT|PIPELINE|BEST_CASE|COMMIT|CLOSED
closed_lost_reason string
hs_next_step string
fleet_size number
notes_last_updated datetime
hs_analytics_source enumeration = OFFLINE|REFERRALS
hs_v2_date_entered_{RENEWAL_STAGES[DUE]} datetime calculated
{OFFERED_PROPERTY} datetime calculated
hs_v2_date_entered_{RENEWAL_STAGES[RENEWED]} datetime calculated
hs_v2_date_entered_{RENEWAL_STAGES[LAPSED]} datetime calculated
days_to_close number calculated
hs_merged_object_ids enumeration
{_SOURCE}
""",
    "tickets": f"""
hs_object_id number
subject string
content string
createdate datetime
hs_lastmodifieddate datetime
closed_date datetime
first_agent_reply_date datetime
time_to_first_agent_reply number
time_to_close number
hs_pipeline enumeration = 0
hs_pipeline_stage enumeration = 1|2|3|4
hs_ticket_priority enumeration = LOW|MEDIUM|HIGH
hs_ticket_category enumeration = PRODUCT_ISSUE|BILLING_ISSUE|FEATURE_REQUEST|GENERAL_INQUIRY
source_type enumeration = EMAIL|CHAT|FORM|PHONE
hubspot_owner_id enumeration
hs_ticket_reopened_at datetime
hs_time_to_first_response_sla_at datetime
hs_time_to_first_response_sla_status enumeration = 0|1|2|3|4
hs_time_to_close_sla_at datetime
hs_time_to_close_sla_status enumeration = 0|1|2|3|4
hs_v2_date_entered_1 datetime calculated
hs_v2_date_entered_4 datetime calculated
hs_merged_object_ids enumeration
{_SOURCE}
""",
    "calls": _ENGAGEMENT
    + """hs_call_title string
hs_call_body string
hs_call_duration number
hs_call_direction enumeration = INBOUND|OUTBOUND
hs_call_status enumeration = COMPLETED|NO_ANSWER
""",
    "emails": _ENGAGEMENT
    + """hs_email_subject string
hs_email_text string
hs_email_direction enumeration = EMAIL|INCOMING_EMAIL|FORWARDED_EMAIL
hs_email_status enumeration = SENT|BOUNCED
hs_hd_ticket_ids number
""",
    "meetings": _ENGAGEMENT
    + """hs_meeting_title string
hs_meeting_start_time datetime
hs_meeting_end_time datetime
hs_meeting_outcome enumeration = SCHEDULED|COMPLETED|NO_SHOW
""",
    "tasks": _ENGAGEMENT
    + """hs_task_subject string
hs_task_status enumeration = NOT_STARTED|COMPLETED
hs_task_type enumeration = TODO|CALL|EMAIL
hs_task_completion_date datetime
""",
    "notes": _ENGAGEMENT + "hs_note_body string\n",
    "feedback_submissions": f"""
hs_object_id number
hs_createdate datetime
hs_lastmodifieddate datetime
hs_survey_type enumeration = NPS|CSAT
hs_survey_id number
hs_survey_name string
hs_survey_channel enumeration = EMAIL|WEB
hs_value number
hs_response_group enumeration = PROMOTER|PASSIVE|DETRACTOR|HAPPY|NEUTRAL|UNHAPPY
hs_sentiment enumeration = POSITIVE|NEUTRAL|NEGATIVE
hs_content string
hs_submission_timestamp datetime
hs_contact_id number
hs_industry_standard_question_type enumeration = NPS|CSAT
{_SOURCE}
""",
}

PROPERTIES: Mapping[str, tuple[SimField, ...]] = {name: declare(text) for name, text in _DECLARED.items()}
"""Object type → its properties."""
