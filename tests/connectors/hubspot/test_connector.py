"""Discovery, schemas, and the streams that are not CRM objects."""

from datetime import timedelta

import pytest

from connectors.contract import FieldType, Window
from connectors.errors import AccessRefused, SourceFailure
from tests.connectors.hubspot.fake_account import NOW, FakeAccount, connect, iso, read_all, rows_of


@pytest.fixture
def account() -> FakeAccount:
    account = FakeAccount()
    for name in ("contacts", "companies", "deals", "notes"):
        account.object(name).add(1)
    return account


def test_streams_are_what_the_account_has_reference_objects_first(account):
    account.hidden["leads"] = 403
    account.custom = [{"name": "Cars", "objectTypeId": "2-7", "fullyQualifiedName": "p1_cars"}]
    account.object("2-7", colour="string").add(1, colour="red")
    connector = connect(account)
    assert connector.streams() == [
        "owners", "pipelines", "pipeline_stages", "pipeline_stage_labels", "properties", "contacts", "companies", "deals",
        "notes", "cars", "login_activity",
    ]  # fmt: skip
    findings = {f.object: f for f in connector.findings()}
    assert "tickets" in findings and "crm.objects.leads.read" in findings["leads"].message
    assert rows_of(read_all(connector, "cars"), "cars")[0]["properties"]["colour"] == "red"


def test_excluded_streams_are_not_asked_for(account):
    connector = connect(account, exclude=["log*", "no*", "pipeline*", "properties"])
    assert connector.streams() == ["owners", "contacts", "companies", "deals"]
    assert not [call for call in account.calls if "notes" in call or "login" in call]


def test_a_hidden_core_object_is_that_objects_failure_and_names_the_scope(account):
    account.hidden["deals"] = 403
    connector = connect(account)
    assert "deals" in connector.streams(), "reading it fails aloud, the others are read"
    with pytest.raises(AccessRefused, match=r"crm\.objects\.deals\.read") as failure:
        connector.schema("deals")
    assert failure.value.exit_code == 12 and not failure.value.stops_source
    (links,) = connector.schema("contacts").children
    assert links.covers == ("companies",), "no links with what cannot be read"
    assert ("missing_association", "contacts_associations", "deals") in {
        (f.rule_id, f.object, f.field) for f in connector.findings()
    }


def test_an_object_that_answers_nonsense_when_tried_is_left_to_the_reading(account):
    account.script = lambda method, path: (400, {"message": "no"}, {}) if path.endswith("/notes") else None
    connector = connect(account)
    assert "notes" in connector.streams() and "contacts" in connector.streams()
    with pytest.raises(SourceFailure) as failure:
        read_all(connector, "notes")
    assert failure.value.is_refusal


def test_what_core_can_do_without_ends_nothing_however_it_is_refused(account):
    account.script = lambda method, path: (400, {"message": "no"}, {}) if "schemas" in path or "login" in path else None
    connector = connect(account)
    assert "login_activity" not in connector.streams()
    assert {"custom objects", "login_activity"} <= {f.object for f in connector.findings()}


def test_pipelines_of_hidden_deals_are_not_taken_for_gone(account):
    account.script = lambda method, path: (403, {}, {}) if "pipelines" in path and "deals" in path else None
    with pytest.raises(AccessRefused):
        read_all(connect(account), "pipeline_stages")


def test_property_types_become_field_types(account):
    account.object("deals").properties.update(
        amount="number", closed="date", won="bool", stage="enumeration", name="string", archived="bool"
    )
    schema = connect(account).schema("deals")
    fields = {f.name: f for f in schema.fields}
    assert fields["amount"].type is FieldType.NUMBER and fields["closed"].type is FieldType.DATE
    assert fields["won"].type is FieldType.BOOLEAN and fields["stage"].type is FieldType.TEXT
    assert fields["hs_lastmodifieddate"].type is FieldType.TIMESTAMP
    assert fields["amount"].path == ("properties", "amount")
    assert fields["archived"].path == () and fields["properties_archived"].path == ("properties", "archived")
    assert (schema.version_field, schema.deleted_field, schema.primary_key) == ("updatedAt", "archived", ("id",))


def test_a_schema_does_not_depend_on_the_order_of_properties(account):
    first = connect(account).schema("deals")
    deals = account.objects["deals"]
    deals.properties = dict(reversed(list(deals.properties.items())))
    assert connect(account).schema("deals") == first


def test_what_people_wrote_is_not_read_unless_wanted(account):
    account.object("notes").properties.update(hs_note_body="string", hs_timestamp="datetime")
    names = {f.name for f in connect(account).schema("notes").fields}
    assert "hs_timestamp" in names and "hs_note_body" not in names
    wanted = connect(account, property_exclude=["!notes.hs_note_body", "hs_timestamp"]).schema("notes")
    assert {f.name: f.is_personal for f in wanted.fields}["hs_note_body"]
    assert "hs_timestamp" not in {f.name for f in wanted.fields}


@pytest.mark.parametrize(
    ("name", "is_personal"),
    [("email", True), ("firstname", True), ("mobilephone", True), ("hs_email_subject", True), ("address", True),
     ("dealstage", False), ("hs_email_direction", False), ("hs_email_domain", False), ("amount", False)],
)  # fmt: skip
def test_personal_properties_are_marked(account, name, is_personal):
    account.object("contacts").properties[name] = "string"
    fields = {f.name: f for f in connect(account).schema("contacts").fields}
    assert fields[name].is_personal is is_personal


def test_wanted_history_that_does_not_exist_is_a_finding(account):
    account.object("deals").properties["dealstage"] = "enumeration"
    connector = connect(account)
    assert [c.stream for c in connector.schema("deals").children] == ["deals_history", "deals_associations"]
    assert {f.field for f in connector.findings()} == {"amount", "closedate", "hubspot_owner_id"}


def test_owners_come_with_their_teams_archived_ones_too(account):
    teams = [{"id": "1", "name": "North", "primary": True}]
    account.owners = [{"id": str(n), "archived": n % 2 == 0, "teams": teams} for n in range(1, 302)]
    rows = rows_of(read_all(connect(account), "owners"), "owners")
    assert sorted(int(r["id"]) for r in rows) == list(range(1, 302))
    assert sum(r["archived"] for r in rows) == 150 and rows[0]["teams"] == teams


def test_stages_know_what_closed_means(account):
    times = {"createdAt": "2025-01-01T00:00:00Z", "updatedAt": "2025-02-01T00:00:00Z"}
    stage = {"label": "Won", "displayOrder": 1, "archived": False, **times}
    account.pipelines = {
        "deals": [{"id": "p", "label": "Sales", "displayOrder": 0, "archived": False, "stages": [
            {"id": "won", "metadata": {"isClosed": "true", "probability": "1.0"}, **stage}]}],
        "tickets": [{"id": "0", "label": "Support", "archived": True, "archivedAt": "2026-01-01T00:00:00Z", "stages": [
            {"id": "4", "metadata": {"ticketState": "CLOSED"}, **stage}]}],
    }  # fmt: skip
    connector = connect(account)
    stages = rows_of(read_all(connector, "pipeline_stages"), "pipeline_stages")
    assert [(s["stage_id"], s["is_closed"], s["probability"], s["ticket_state"]) for s in stages] == [
        ("won", "true", "1.0", None),
        ("4", "true", None, "CLOSED"),
    ]
    assert [(s["created_at"], s["updated_at"], s["archived"], s["archived_at"]) for s in stages] == [
        ("2025-01-01T00:00:00Z", "2025-02-01T00:00:00Z", False, None),
        ("2025-01-01T00:00:00Z", "2025-02-01T00:00:00Z", True, "2026-01-01T00:00:00Z"),
    ]
    pipelines = rows_of(read_all(connector, "pipelines"), "pipelines")
    assert [(p["object_type"], p["pipeline_id"]) for p in pipelines] == [("deals", "p"), ("tickets", "0")]


def test_logins_are_read_back_to_the_window_and_can_be_resumed(account):
    account.logins = [
        {"id": str(n), "loginAt": iso(NOW - timedelta(hours=n)), "userId": 5, "loginSucceeded": True}
        for n in range(900)
    ]
    connector = connect(account)
    assert len(rows_of(read_all(connector, "login_activity"), "login_activity")) == 900
    since = NOW - timedelta(hours=30)
    account.calls.clear()
    rows = rows_of(read_all(connector, "login_activity", since), "login_activity")
    assert {str(n) for n in range(31)} <= {r["id"] for r in rows} and len(account.calls) == 2
    schema = connector.schema("login_activity")
    assert len(rows_of(list(connector.read(schema, Window(None, NOW), {"after": "800"})), "login_activity")) == 100
    assert not list(connector.read(schema, Window(None, NOW), {"after": None}))


def test_counts_are_of_what_exists(account):
    connector = connect(account)
    account.object("deals").add(2).archived_at = NOW
    assert connector.count(connector.schema("deals")) == 1
    assert connector.count(connector.schema("owners")) is None


def test_check_says_who_answers(account):
    assert connect(account).check() == "HubSpot account 1, Europe/Kyiv, EUR"
