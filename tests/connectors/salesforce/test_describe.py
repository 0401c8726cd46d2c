"""From describe to schemas, on recorded describes of a real org."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import FieldType
from connectors.salesforce.describe import (
    is_personal,
    missing_fields,
    missing_objects,
    schema_of,
    streams_of,
)
from connectors.salesforce.objects import DEFAULT_OBJECTS
from connectors.salesforce.settings import SalesforceSettings

STAGING = Path(__file__).parents[3] / "transforms" / "1_staging"
RECORDED = Path(__file__).parents[4] / "shared" / "data" / "salesforce_describe"


def settings(**given: Any) -> SalesforceSettings:
    return SalesforceSettings("sf", "https://acme.my.salesforce.com", "client_credentials", **given)


def recorded(name: str) -> dict[str, Any]:
    path = RECORDED / f"{name}_describe.json"
    if not path.exists():
        pytest.skip("the recorded describes are not here")
    described: dict[str, Any] = json.loads(path.read_text())
    return described


@pytest.mark.parametrize(
    ("name", "field", "kind"),
    [
        ("Opportunity", "Amount", FieldType.DECIMAL),
        ("Opportunity", "Probability", FieldType.NUMBER),
        ("Opportunity", "FiscalYear", FieldType.INTEGER),
        ("Opportunity", "CloseDate", FieldType.DATE),
        ("Opportunity", "SystemModstamp", FieldType.TIMESTAMP),
        ("Opportunity", "IsWon", FieldType.BOOLEAN),
        ("Opportunity", "StageName", FieldType.TEXT),
        ("Account", "BillingLatitude", FieldType.NUMBER),
    ],
)
def test_types_follow_the_describe(name: str, field: str, kind: FieldType) -> None:
    schema = schema_of(recorded(name), settings())
    assert {each.name: each.type for each in schema.fields}[field] is kind


@pytest.mark.parametrize("name", ["Account", "Contact", "Lead"])
def test_compound_addresses_are_left_out_and_their_parts_kept(name: str) -> None:
    described = recorded(name)
    schema = schema_of(described, settings())
    names = {field.name for field in schema.fields}
    compound = {field["name"] for field in described["fields"] if field["type"] == "address"}
    assert compound
    assert {field["name"] for field in described["fields"]} - names == compound


@pytest.mark.parametrize("name", ["Account", "Case", "Contact", "Event", "Lead", "Opportunity"])
def test_keys_versions_and_deletes(name: str) -> None:
    schema = schema_of(recorded(name), settings())
    assert (schema.primary_key, schema.version_field, schema.deleted_field) == (("Id",), "SystemModstamp", "IsDeleted")
    assert not schema.is_snapshot


@pytest.mark.parametrize(
    ("name", "personal", "impersonal"),
    [
        ("Contact", {"Name", "FirstName", "LastName", "Email", "MobilePhone", "MailingStreet", "Description"},
         {"Id", "Title", "LeadSource", "AccountId", "CreatedDate"}),
        ("Lead", {"Name", "LastName", "Email", "Phone", "Street", "City", "PostalCode", "Latitude"},
         {"Company", "Status", "LeadSource", "IsConverted"}),
        ("Case", {"SuppliedName", "SuppliedEmail", "ContactPhone", "ContactEmail", "Subject", "Description"},
         {"CaseNumber", "Status", "Priority", "OwnerId"}),
        ("Opportunity", set(), {"Name", "StageName", "Amount", "OwnerId", "NextStep"}),
    ],
)  # fmt: skip
def test_what_is_personal(name: str, personal: set[str], impersonal: set[str]) -> None:
    marked = {field.name: field.is_personal for field in schema_of(recorded(name), settings()).fields}
    assert {field for field in personal if not marked[field]} == set()
    assert {field for field in impersonal if marked[field]} == set()


def test_a_users_name_is_personal_and_a_products_is_not() -> None:
    name = {"name": "Name", "type": "string"}
    assert is_personal("User", name)
    assert not is_personal("Product2", name)


def test_fields_can_be_left_out_but_not_those_the_load_needs() -> None:
    schema = schema_of(recorded("Opportunity"), settings(field_exclude=("Opportunity.Next*", "*mod*", "Is*", "Id")))
    names = {field.name for field in schema.fields}
    assert not names & {"NextStep", "IsWon"}
    assert {"Id", "IsDeleted", "SystemModstamp", "LastModifiedDate"} <= names
    assert {finding.field for finding in missing_fields(schema)} == {"IsWon", "IsClosed"}


@pytest.mark.parametrize(
    ("name", "fields", "version_field"),
    [
        ("LeadHistory", {"Id": "id", "CreatedDate": "datetime"}, "CreatedDate"),
        ("LoginHistory", {"Id": "id", "LoginTime": "datetime"}, "LoginTime"),
        ("OpportunityHistory", {"Id": "id", "SystemModstamp": "datetime", "CreatedDate": "datetime"}, "SystemModstamp"),
        ("CaseStatus", {"Id": "id", "MasterLabel": "string"}, None),
    ],
)
def test_objects_without_a_stamp(name: str, fields: dict[str, str], version_field: str | None) -> None:
    described = {"name": name, "fields": [{"name": n, "type": t, "label": n} for n, t in fields.items()]}
    schema = schema_of(described, settings())
    assert (schema.version_field, schema.is_snapshot) == (version_field, version_field is None)


def test_patterns_add_and_take_away_and_absence_is_a_finding() -> None:
    available = [{"name": n, "queryable": n != "Task"} for n in ("User", "Task", "Lead", "Visit__c", "Asset")]
    chosen = settings(include=("*__c",), exclude=("Lead", "Case*"))
    assert streams_of(available, chosen) == ["User", "Visit__c"]
    missing = {finding.object: finding for finding in missing_objects(available, chosen)}
    excluded = {"User", "Lead", "Case", "CaseHistory", "CaseStatus", "CaseComment", "CaseMilestone"}
    assert set(missing) == set(DEFAULT_OBJECTS) - excluded
    assert missing["Task"].rule_id == "missing_object"
    assert "response times" in missing["Task"].message


def test_every_object_staging_reads_is_read_by_default() -> None:
    staged = {
        line.split("raw_salesforce.")[1].strip().rstrip("?")
        for path in STAGING.glob("salesforce_*.yml")
        for line in path.read_text().splitlines()
        if line.startswith("reads:")
    }
    assert staged and staged <= set(DEFAULT_OBJECTS)


def test_patterns_of_fields_choose_and_keep_what_reading_needs() -> None:
    described = {
        "name": "Visit__c",
        "fields": [
            {"name": n, "type": "string"} for n in ("Id", "IsDeleted", "SystemModstamp", "Name", "Note__c", "Fax__c")
        ],
    }

    def names(**given: Any) -> set[str]:
        return {field.name for field in schema_of(described, settings(**given)).fields}

    needed = {"Id", "IsDeleted", "SystemModstamp"}
    assert names(field_include=("Visit__c.N*",)) == needed | {"Name", "Note__c"}
    assert names(field_include=("N*",), field_exclude=("*__c",)) == needed | {"Name"}
    assert names(field_include=("Account.Name",)) == needed | {"Name", "Note__c", "Fax__c"}
    assert names(field_exclude=("*",)) == needed
