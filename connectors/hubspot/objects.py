"""What is known of HubSpot's object types before asking: which to read, and what in them is about people."""

from __future__ import annotations

import re
from collections.abc import Mapping

REQUIRED_OBJECTS = ("contacts", "companies", "deals")
OPTIONAL_OBJECTS = (
    "tickets", "leads", "calls", "emails", "meetings", "notes", "tasks", "communications", "products",
    "line_items", "quotes", "feedback_submissions", "goal_targets", "orders", "invoices", "subscriptions",
)  # fmt: skip
STANDARD_OBJECTS = REQUIRED_OBJECTS + OPTIONAL_OBJECTS
ENGAGEMENTS = ("calls", "emails", "meetings", "notes", "tasks", "communications")
PIPELINE_OBJECTS = ("deals", "tickets", "leads")

DEFAULT_HISTORY: Mapping[str, tuple[str, ...]] = {
    "deals": ("dealstage", "amount", "closedate", "hubspot_owner_id"),
    "tickets": ("hs_pipeline_stage", "hubspot_owner_id"),
    "leads": ("hs_pipeline_stage", "hubspot_owner_id"),
    "contacts": ("lifecyclestage", "hs_lead_status", "hubspot_owner_id"),
}
DEFAULT_ASSOCIATIONS: Mapping[str, tuple[str, ...]] = {
    "contacts": ("companies", "deals"),
    "deals": ("companies", "contacts"),
    "tickets": ("contacts", "companies"),
    "leads": ("contacts", "companies"),
    "line_items": ("deals",),
    "quotes": ("deals",),
    **{name: ("contacts", "deals", "tickets", "companies") for name in ENGAGEMENTS},
}

NEEDED_PROPERTIES = frozenset({"lastmodifieddate", "hs_lastmodifieddate", "hs_merged_object_ids"})
EXCLUDED_PROPERTIES = (
    "calls.hs_call_body", "calls.hs_call_summary", "calls.hs_call_transcription*",
    "calls.hs_call_recording_url", "emails.hs_email_text", "emails.hs_email_html", "emails.hs_email_headers",
    "emails.hs_email_raw*", "meetings.hs_meeting_body", "meetings.hs_internal_meeting_notes",
    "notes.hs_note_body", "tasks.hs_task_body", "communications.hs_communication_body", "*.hs_body_preview*",
    "tickets.content",
)  # fmt: skip
"""What people wrote to each other; read only if `property_exclude` holds the pattern with `!` before it."""

_PERSONAL = re.compile(
    r"""(^|_)(email|emails|phone|mobilephone|fax|firstname|lastname|fullname|first_name|last_name|full_name
    |salutation|address|address2|street|zip|postal_code|date_of_birth|ip_address|twitterhandle|body|content|subject
    |recording|transcript|preview|title)($|_)|^(work_email|jobtitle|hs_note_body|hs_linkedin_url|hs_whatsapp.*)$""",
    re.VERBOSE,
)
_IMPERSONAL = re.compile(r"domain|count|(^|_)num(_|$)|bounce|optout|opt_out|quarantine|status|direction|_date$|_id$")


def modified_property(object_type: str) -> str:
    """The property that holds the last change of a record."""
    return "lastmodifieddate" if object_type == "contacts" else "hs_lastmodifieddate"


def is_personal_property(object_type: str, name: str) -> bool:
    """Whether a property holds a name, an address, a number or free text about a person."""
    if object_type == "companies" and name in {"name", "domain"}:
        return False
    return bool(_PERSONAL.search(name)) and not _IMPERSONAL.search(name)


def read_scope(object_type: str) -> str:
    """The scope a token needs to read an object type."""
    if object_type in ENGAGEMENTS:
        return "crm.objects.contacts.read"
    if object_type in STANDARD_OBJECTS:
        return "tickets" if object_type == "tickets" else f"crm.objects.{object_type}.read"
    return "crm.objects.custom.read"
