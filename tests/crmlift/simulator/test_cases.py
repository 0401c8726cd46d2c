"""The complaints Salesforce keeps: history, answers and promises tell the same story as the case."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

import pytest

from crmlift.simulator.build import build_company
from crmlift.simulator.company import Company

Row = dict[str, object]


@pytest.fixture(scope="module")
def known() -> Company:
    return build_company("known")


def by_case(company: Company, name: str, key: str) -> dict[object, list[Row]]:
    out: dict[object, list[Row]] = defaultdict(list)
    for row in company.salesforce[name].rows:
        out[row[key]].append(row)
    return out


def test_the_history_leads_from_new_to_the_present_state(known: Company) -> None:
    history = by_case(known, "CaseHistory", "CaseId")
    for case in known.salesforce["Case"].rows:
        status: object = "New"
        for change in sorted(history[case["Id"]], key=lambda row: str(row["CreatedDate"])):
            if change["Field"] == "Status":
                assert change["OldValue"] == status
                status = change["NewValue"]
        assert (status, status == "Closed") == (case["Status"], case["IsClosed"])
        assert (case["ClosedDate"] is not None) == case["IsClosed"]


def test_the_first_answer_meets_the_promise_or_breaks_it(known: Company) -> None:
    answers = by_case(known, "CaseComment", "ParentId")
    kinds = {row["Id"]: row["Name"] for row in known.salesforce["MilestoneType"].rows}
    kept = 0
    for promise in known.salesforce["CaseMilestone"].rows:
        if kinds[promise["MilestoneTypeId"]] != "First Response":
            continue
        given = [row["CreatedDate"] for row in answers[promise["CaseId"]]]
        assert given == ([promise["CompletionDate"]] if promise["IsCompleted"] else [])
        start, due, done = promise["StartDate"], promise["TargetDate"], promise["CompletionDate"] or known.as_of
        assert isinstance(start, datetime) and isinstance(due, datetime) and isinstance(done, datetime)
        assert due == start + timedelta(hours=4)
        assert promise["IsViolated"] == (done > due or (done == due and not promise["IsCompleted"]))
        kept += not promise["IsViolated"]
    assert 0.5 < kept / len(known.salesforce["Case"].rows) < 0.95


def test_links_lead_to_records_that_are_there(known: Company) -> None:
    there = {name: {row["Id"] for row in table.rows} for name, table in known.salesforce.items()}
    for name, field, target in (
        ("Case", "OwnerId", "User"),
        ("CampaignMember", "LeadId", "Lead"),
        ("CampaignMember", "CampaignId", "Campaign"),
        ("OpportunityContactRole", "OpportunityId", "Opportunity"),
    ):
        linked = {row[field] for row in known.salesforce[name].rows}
        assert linked and linked <= there[target], (name, field)
