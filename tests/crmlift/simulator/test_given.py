"""Given files become an org: named after objects, or through a layout."""

from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from crmlift.errors import UsageFailure
from crmlift.simulator.given import company_from_files

MAVEN = Path(__file__).parents[3] / "../shared/data/maven_crm"


@pytest.fixture(scope="module")
def maven():
    if not MAVEN.is_dir():
        pytest.skip("the Maven CRM files are not in ../shared/data/maven_crm")
    return company_from_files(MAVEN).salesforce


def test_maven_totals_are_those_of_the_files(maven):
    deals = maven["Opportunity"].rows
    assert Counter(d["StageName"] for d in deals) == {"Won": 4238, "Lost": 2473, "Engaging": 1589, "Prospecting": 500}
    assert sum(d["IsWon"] for d in deals) == 4238
    assert sum(d["IsClosed"] for d in deals) == 4238 + 2473
    assert sum(d["Amount"] for d in deals if d["IsWon"]) == 10_005_534
    assert sum(d["AccountId"] is None for d in deals) == 1_425


def test_maven_lookups_all_lead_somewhere(maven):
    for table in maven.values():
        for field in table.fields:
            if field.type == "reference":
                known = {row["Id"] for name in field.reference_to for row in maven[name].rows}
                assert {row[field.name] for row in table.rows} - {None} <= known, f"{table.name}.{field.name}"


def test_maven_deals_close_in_history_on_their_close_date(maven):
    closings = {h["OpportunityId"]: h for h in maven["OpportunityHistory"].rows if h["StageName"] in ("Won", "Lost")}
    closed = [d for d in maven["Opportunity"].rows if d["IsClosed"]]
    assert len(closings) == len(closed)
    for deal in closed:
        assert closings[deal["Id"]]["CreatedDate"].date() == deal["CloseDate"]
        assert closings[deal["Id"]]["StageName"] == deal["StageName"]


def test_maven_deals_without_a_date_begin_with_the_data(maven):
    deals = maven["Opportunity"].rows
    undated = {d["CreatedDate"] for d in deals if d["StageName"] == "Prospecting"}
    assert undated == {min(d["CreatedDate"] for d in deals if d["StageName"] != "Prospecting")}


def test_maven_teams_are_managers_and_the_currency_is_dollars(maven):
    roles = {r["Id"]: r["Name"] for r in maven["UserRole"].rows}
    moses = next(u for u in maven["User"].rows if u["Name"] == "Moses Frase")
    assert roles[moses["UserRoleId"]] == "Dustin Brinkmann (Central)"
    assert [(c["IsoCode"], c["IsCorporate"]) for c in maven["CurrencyType"].rows] == [("USD", True)]
    names = {p["Id"]: p["Name"] for p in maven["Product2"].rows}
    assert "GTX Pro" in {names[line["Product2Id"]] for line in maven["OpportunityLineItem"].rows}


def test_maven_present_is_the_day_after_the_last():
    if not MAVEN.is_dir():
        pytest.skip("the Maven CRM files are not in ../shared/data/maven_crm")
    assert company_from_files(MAVEN).as_of == datetime(2018, 1, 1, tzinfo=UTC)
    later = datetime(2018, 6, 1, tzinfo=UTC)
    assert company_from_files(MAVEN, as_of=later).as_of == later


def opportunity(folder: Path, text: str, **given: object):
    (folder / "Opportunity.csv").write_text(text, encoding="utf-8")
    return company_from_files(folder, **given).salesforce["Opportunity"]  # type: ignore[arg-type]


def test_a_file_named_after_an_object_is_that_object(tmp_path):
    table = opportunity(
        tmp_path,
        "Name,Amount,CloseDate,CreatedDate,IsWon,Branch_Code__c,Score__c\n"
        "A,10.5,2026-03-01,2026-01-05T09:00:00Z,true,007,3\n"
        '"B, Ґанок",,,2026-01-06T09:00:00+02:00,false,010,4\n',
    )
    kinds = {f.name: f.type for f in table.fields}
    assert kinds["Amount"] == "currency"
    assert kinds["Branch_Code__c"] == "string"
    assert kinds["Score__c"] == "int"
    first, second = table.rows
    assert (first["Amount"], first["CloseDate"], first["IsWon"]) == (10.5, date(2026, 3, 1), True)
    assert first["Branch_Code__c"] == "007"
    assert (second["Name"], second["Amount"], second["CloseDate"]) == ("B, Ґанок", None, None)
    assert second["CreatedDate"] == datetime(2026, 1, 6, 7, tzinfo=UTC)


def test_what_every_record_has_is_made_where_the_file_lacks_it(tmp_path):
    table = opportunity(tmp_path, "Name,Amount\nA,1\nB,2\n")
    assert {"Id", "IsDeleted", "CreatedDate", "SystemModstamp"} <= {f.name for f in table.fields}
    assert len({row["Id"] for row in table.rows}) == 2
    assert all(row["Id"].startswith("006") and len(row["Id"]) == 18 for row in table.rows)
    assert [row["IsDeleted"] for row in table.rows] == [False, False]
    assert all(row["CreatedDate"] is not None and row["SystemModstamp"] is not None for row in table.rows)


def test_ids_of_the_file_are_kept(tmp_path):
    table = opportunity(tmp_path, "Id,Name\n0065g00000AbCdEAAV,A\n")
    assert [row["Id"] for row in table.rows] == ["0065g00000AbCdEAAV"]


OWN_LAYOUT = """
name: own
objects:
  Account:
    fields: |
      Id id
      Name string
    from:
      - {file: deals.csv, key: "{customer}", columns: {Name: customer}}
  Opportunity:
    fields: |
      Id id
      AccountId reference -> Account
      StageName picklist
    from:
      - file: deals.csv
        key: "{number}"
        columns:
          AccountId: {lookup: Account, column: customer}
          StageName: {column: state, map: {w: Closed Won}}
"""


def test_a_mapping_beside_the_files_is_followed(tmp_path):
    (tmp_path / "mapping.yml").write_text(OWN_LAYOUT)
    (tmp_path / "deals.csv").write_text("number,customer,state\n1,Acme,w\n2,Acme,Open\n3,,w\n")
    org = company_from_files(tmp_path).salesforce
    assert [row["Name"] for row in org["Account"].rows] == ["Acme"]
    acme = org["Account"].rows[0]["Id"]
    assert [row["AccountId"] for row in org["Opportunity"].rows] == [acme, acme, None]
    assert [row["StageName"] for row in org["Opportunity"].rows] == ["Closed Won", "Open", "Closed Won"]


def test_no_folder_and_no_usable_file_are_usage_failures(tmp_path):
    with pytest.raises(UsageFailure):
        company_from_files(tmp_path / "missing")
    with pytest.raises(UsageFailure):
        company_from_files(tmp_path)


@pytest.mark.parametrize("text", ["Name,Amount\nA,1,2\n", "Name,Amount\nA\n", 'Name\n"open\n'])
def test_broken_files_are_usage_failures(tmp_path, text):
    with pytest.raises(UsageFailure):
        opportunity(tmp_path, text)
