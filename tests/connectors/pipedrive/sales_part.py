"""A company small enough for a request a deal: some of the deals, and what hangs on them."""

from __future__ import annotations

import copy

from crmlift.simulator.company import Company

_OF_DEAL = ("OpportunityHistory", "OpportunityFieldHistory", "OpportunityLineItem")


def sales_part(company: Company, share: int) -> Company:
    """Every so-many-th deal with its history and lines, account, contact, lead and activity; all reference tables."""
    part = copy.copy(company)
    part.salesforce = {name: copy.copy(table) for name, table in company.salesforce.items()}
    part.hubspot = {}
    for name in ("Opportunity", "Account", "Contact", "Lead", "Task", "Event"):
        part.salesforce[name].rows = [dict(row) for row in company.salesforce[name].rows[::share]]
    kept = {row["Id"] for row in part.salesforce["Opportunity"].rows}
    for name in _OF_DEAL:
        part.salesforce[name].rows = [r for r in company.salesforce[name].rows if r["OpportunityId"] in kept]
    return part
