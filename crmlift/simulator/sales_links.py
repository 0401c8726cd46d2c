"""Salesforce: whom deals are discussed with, who was in which campaign, and the states a lead can be in."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from crmlift.simulator.clock import DAY, HOUR, NEVER, dates, known_instants, latest, local_days
from crmlift.simulator.company import SimField, SimTable
from crmlift.simulator.rows import Column, declare, pick, table, where
from crmlift.simulator.sales import Sales
from crmlift.simulator.sales_fields import AUDIT_FIELDS
from crmlift.simulator.sales_people import STATUSES
from crmlift.simulator.sales_reference import CAMPAIGNS, status_columns, user_ids
from crmlift.simulator.sales_tables import ids
from crmlift.simulator.world import World

_DECLARED = {
    "LeadStatus": f"""
Id id
MasterLabel string 255
ApiName string 255
SortOrder int
IsDefault boolean
IsConverted boolean
{AUDIT_FIELDS}
""",
    "OpportunityContactRole": f"""
Id id
IsDeleted boolean
OpportunityId reference -> Opportunity
ContactId reference -> Contact
Role picklist = Decision Maker|Business User|Evaluator
IsPrimary boolean
{AUDIT_FIELDS}
""",
    "CampaignMember": f"""
Id id
IsDeleted boolean
CampaignId reference -> Campaign
LeadId reference -> Lead
ContactId reference -> Contact
Status picklist = Sent|Responded
HasResponded boolean
FirstRespondedDate date
{AUDIT_FIELDS}
""",
}
FIELDS: Mapping[str, tuple[SimField, ...]] = {name: declare(text) for name, text in _DECLARED.items()}
EVERY = 8
"""Every eighth deal names somebody to talk to."""


def link_tables(world: World, sales: Sales, at: int) -> list[SimTable]:
    """LeadStatus, OpportunityContactRole and CampaignMember at a moment."""
    return [_lead_statuses(world), _contact_roles(sales, at), _campaign_members(sales, at)]


def _lead_statuses(world: World) -> SimTable:
    is_converted: list[bool] = [name == "Closed - Converted" for name in STATUSES]
    columns = status_columns(world, "LeadStatus", STATUSES) | {"IsConverted": is_converted}
    return table("LeadStatus", FIELDS["LeadStatus"], columns)


def _contact_roles(sales: Sales, at: int) -> SimTable:
    fate = sales.deals.existence
    deal = fate.visible(at)
    deal = deal[deal % EVERY == 3]
    parent = fate.take(deal)
    moved = sales.accounts.merged(sales.account[deal])
    by = user_ids(sales.deals.owner[deal])
    stamp = known_instants(latest(at, parent.created, parent.deleted, parent.restored, moved))
    columns: dict[str, Column] = {
        "Id": ids("OpportunityContactRole", deal),
        "IsDeleted": parent.is_deleted(at).tolist(),
        "OpportunityId": ids("Opportunity", deal),
        "ContactId": ids("Contact", sales.accounts.survivor(sales.account[deal], at)),
        "Role": pick(("Decision Maker", "Business User", "Evaluator", None), deal // EVERY),
        "IsPrimary": (deal % 5 != 0).tolist(),
        "CreatedDate": known_instants(parent.created),
        "CreatedById": by,
        "LastModifiedDate": stamp,
        "LastModifiedById": by,
        "SystemModstamp": stamp,
    }
    return table("OpportunityContactRole", FIELDS["OpportunityContactRole"], columns)


def _campaign_members(sales: Sales, at: int) -> SimTable:
    """Every second lead was invited to something in the week it came; half of those answered within a day."""
    leads, fate = sales.leads, sales.leads.existence
    lead = fate.visible(at)
    lead = lead[(lead % 2 == 0) & (leads.entered[lead] + HOUR <= at)]
    parent = fate.take(lead)
    joined = leads.entered[lead] + HOUR
    answered = np.where(lead % 4 == 0, joined + DAY, NEVER)
    has_responded = answered <= at
    by = user_ids(leads.owner[lead])
    stamp = known_instants(latest(at, joined, parent.deleted, parent.restored, answered))
    columns: dict[str, Column] = {
        "Id": ids("CampaignMember", lead),
        "IsDeleted": parent.is_deleted(at).tolist(),
        "CampaignId": pick(ids("Campaign", np.arange(len(CAMPAIGNS))), lead // 2),
        "LeadId": ids("Lead", lead),
        "Status": where(has_responded, ["Responded"] * len(lead), "Sent"),
        "HasResponded": has_responded.tolist(),
        "FirstRespondedDate": where(has_responded, dates(local_days(answered).tolist())),
        "CreatedDate": known_instants(joined),
        "CreatedById": by,
        "LastModifiedDate": stamp,
        "LastModifiedById": by,
        "SystemModstamp": stamp,
    }
    return table("CampaignMember", FIELDS["CampaignMember"], columns)
