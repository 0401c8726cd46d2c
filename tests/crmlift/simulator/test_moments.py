"""The company seen at two moments: what changed in between, and only that, is stamped in between."""

from __future__ import annotations

from collections import Counter

from crmlift.simulator.company import Company, SimTable
from tests.crmlift.simulator.two_moments import EARLIER, LATER

FORMULAS = {"Age_In_Days__c", "Account_Key__c"}
BY_THE_CLOCK = {"IsArchived", "IsViolated"}
UNSTAMPED = {"OpportunityFieldHistory", "CaseHistory", "LeadHistory", "LoginHistory"}


def _pairs(earlier: Company, later: Company) -> list[tuple[SimTable, SimTable, str, str]]:
    salesforce = [(t, later.salesforce[n], "Id", "SystemModstamp") for n, t in earlier.salesforce.items()]
    hubspot = [(t, later.hubspot[n], "id", "updatedAt") for n, t in earlier.hubspot.items()]
    return [p for p in salesforce if p[0].name not in UNSTAMPED] + hubspot


def test_every_change_has_a_stamp_between_the_moments(earlier: Company, later: Company) -> None:
    unstamped: Counter[str] = Counter()
    changed: Counter[str] = Counter()
    for before, after, key, stamp in _pairs(earlier, later):
        old = {row[key]: row for row in before.rows}
        for row in after.rows:
            previous = old.get(row[key])
            if previous == row:
                continue
            changed[before.name] += 1
            differing = {n for n in row if previous is None or row[n] != previous[n]} - FORMULAS - BY_THE_CLOCK
            if differing and not EARLIER < row[stamp] <= LATER:
                unstamped[f"{before.name}: {'new' if previous is None else sorted(differing)}"] += 1
    assert not unstamped
    assert {"Opportunity", "OpportunityHistory", "Account", "Task", "contacts", "tickets", "deals"} <= changed.keys()


def test_what_disappeared_was_purged_or_merged(earlier: Company, later: Company) -> None:
    gone = 0
    for before, after, key, _ in _pairs(earlier, later):
        missing = {row[key] for row in before.rows} - {row[key] for row in after.rows}
        gone += len(missing)
        if before.name in later.purged:
            assert missing <= {record for record, _ in later.purged[before.name]}
        elif before.name in ("contacts", "tickets"):
            merged = {i for row in after.rows for i in str(row["hs_merged_object_ids"] or "").split(";")}
            binned = {row["id"] for row in before.rows if row["archived"]}
            assert missing <= merged | binned
    assert gone > 0


def test_nothing_is_dated_after_the_moment(later: Company) -> None:
    planned = {"NextStartDate", "EndDateTime", "EndDate", "closedate", "hs_meeting_end_time"}
    planned |= {"hs_time_to_first_response_sla_at", "hs_time_to_close_sla_at", "TargetDate"}
    for table in (*later.salesforce.values(), *later.hubspot.values()):
        fields = [f.name for f in table.fields if f.type == "datetime" and f.name not in planned]
        late = [(table.name, n, row[n]) for row in table.rows for n in fields if row[n] and row[n] > LATER]
        assert not late


def test_there_is_new_changed_deleted_restored_merged_and_archived_work_for_an_incremental_run(
    earlier: Company, later: Company
) -> None:
    deals = {row["Id"]: row for row in earlier.salesforce["Opportunity"].rows}
    rows = later.salesforce["Opportunity"].rows
    assert any(row["Id"] not in deals for row in rows)
    assert any(row["IsDeleted"] and not deals[row["Id"]]["IsDeleted"] for row in rows if row["Id"] in deals)
    assert any(row["MasterRecordId"] and row["IsDeleted"] for row in later.salesforce["Account"].rows)
    assert any(row["hs_merged_object_ids"] for row in later.hubspot["contacts"].rows)
    assert any(row["archived"] for row in later.hubspot["contacts"].rows)
    assert later.purged["Opportunity"]


def test_mass_updates_share_one_stamp(later: Company) -> None:
    stamps = Counter(row["SystemModstamp"] for row in later.salesforce["Opportunity"].rows)
    assert stamps.most_common(1)[0][1] > 40


def test_history_ends_at_the_present_value(later: Company) -> None:
    for name, properties in {
        "tickets": ("hs_pipeline_stage", "hubspot_owner_id"),
        "contacts": ("lifecyclestage", "hs_lead_status", "hubspot_owner_id"),
        "deals": ("dealstage", "hubspot_owner_id"),
    }.items():
        table = later.hubspot[name]
        for row in table.rows:
            for prop in properties:
                entries = table.history.get(str(row["id"]), {}).get(prop, [])
                assert [e.at for e in entries] == sorted(e.at for e in entries)
                assert (entries[-1].value if entries else None) == row[prop], (name, prop, row["id"])


def test_the_last_history_row_of_a_deal_tells_its_state(later: Company) -> None:
    last: dict[object, dict[str, object]] = {}
    for row in later.salesforce["OpportunityHistory"].rows:
        kept = last.get(row["OpportunityId"])
        if kept is None or row["CreatedDate"] >= kept["CreatedDate"]:
            last[row["OpportunityId"]] = row
    compared = 0
    for deal in later.salesforce["Opportunity"].rows:
        row = last.get(deal["Id"])
        if row:
            compared += 1
            assert (row["StageName"], row["Amount"], row["CloseDate"]) == (
                deal["StageName"], deal["Amount"], deal["CloseDate"],
            )  # fmt: skip
    assert compared > 5_000
