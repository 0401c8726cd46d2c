"""What a read of objects brings, against an account in memory."""

from datetime import timedelta

import pytest

from connectors.contract import Window
from connectors.errors import IncompleteAnswer
from connectors.hubspot import changes, listing, reading
from connectors.hubspot.reading import KEYS_ONLY
from tests.connectors.hubspot.fake_account import NOW, FakeAccount, connect, iso, read_all, rows_of

SINCE = NOW - timedelta(days=1)


@pytest.fixture
def account() -> FakeAccount:
    account = FakeAccount()
    deals = account.object("deals", dealname="string", amount="number", dealstage="enumeration")
    account.object("contacts", email="string")
    account.object("companies", name="string")
    for number in range(1, 2501):
        deals.add(number * 7, dealname=f"Deal {number}", amount=str(number), dealstage="won")
    return account


def ids(rows: list[dict]) -> list[int]:
    return [int(row["id"]) for row in rows]


def test_backfill_lists_every_record_once_in_the_fewest_calls(account):
    connector = connect(account, history_properties={"deals": []})
    pages = read_all(connector, "deals")
    assert ids(rows_of(pages, "deals")) == sorted(int(i) for i in account.objects["deals"].records)
    listing = [c for c in account.calls if c == "GET /crm/objects/2026-03/deals"]
    links = [c for c in account.calls if "/associations/" in c]
    assert len(listing) == 25 + 1 and len(links) == 3 * 2  # pages and the archived sweep; chunks × pairs


def test_history_comes_with_the_list_oldest_first_and_a_record_without_any_ends_nothing(account):
    entries = [
        {"value": "won", "timestamp": "2026-10-03T00:00:00Z", "sourceType": "CRM_UI", "updatedByUserId": 9},
        {"value": "new", "timestamp": "1790812800000", "sourceType": "IMPORT", "sourceId": "x"},
    ]
    for record in list(account.objects["deals"].records.values())[1:]:
        record.history["dealstage"] = entries
    connector = connect(account)
    pages = read_all(connector, "deals")
    rows = rows_of(pages, "deals_history")
    assert len(rows) == 2499 * 2
    first = [r for r in rows if r["record_id"] == "14"]
    assert [(r["seq"], r["value"], r["source_type"]) for r in first] == [(0, "new", "IMPORT"), (0, "won", "CRM_UI")]
    assert first[1]["updated_by_user_id"] == 9 and first[0]["source_id"] == "x"
    assert account.calls.count("GET /crm/objects/2026-03/deals") <= 51 + 3


def test_past_values_keep_their_number_when_older_ones_are_forgotten(account):
    record = account.objects["deals"].records["7"]
    at = [iso(NOW - timedelta(days=n)) for n in range(4)]
    values = [("won", at[0]), ("offered", at[1]), ("called", at[1]), ("open", at[2]), ("new", at[3])]  # newest first
    found = []
    for kept in (5, 3):
        record.history["dealstage"] = [{"value": v, "timestamp": t} for v, t in values[:kept]]
        rows = rows_of(read_all(connect(account), "deals"), "deals_history")
        found.append({(r["at"], r["seq"]): r["value"] for r in rows})
    assert found[0] == {
        (at[3], 0): "new",
        (at[2], 0): "open",
        (at[1], 0): "called",
        (at[1], 1): "offered",
        (at[0], 0): "won",
    }
    assert found[1].items() <= found[0].items() and len(found[1]) == 3
    (history,) = [c for c in connect(account).schema("deals").children if c.stream == "deals_history"]
    assert history.primary_key == ("record_id", "property", "at", "seq") and history.keeps_history
    assert history.covers == ("amount", "dealstage")


def test_a_history_that_is_refused_is_left_out_and_told(account):
    asked = []

    def without_history(method, path):
        asked.append(path)
        return (400, {"message": "propertiesWithHistory"}, {}) if len(asked) == 3 else None

    account.script = without_history
    connector = connect(account)
    assert connector.schema("deals").children[0].stream == "deals_history"  # asks for the properties: 1
    assert len(rows_of(read_all(connector, "deals"), "deals")) == 2500  # the second call of the read is the list
    assert [c.stream for c in connector.schema("deals").children] == ["deals_associations"]
    assert [f.object for f in connector.findings() if f.rule_id == "missing_history"] == ["deals"]


def test_archived_records_that_cannot_be_listed_end_nothing(account):
    def refusing(method, path):
        return None

    account.script = refusing
    real = account._list

    def no_archive(held, query):
        if query.get("archived") == "true":
            return 400, {"message": "Paging through deleted objects is not yet supported"}, {}
        return real(held, query)

    account._list = no_archive
    connector = connect(account)
    for since in (None, SINCE):
        assert rows_of(read_all(connector, "deals", since), "deals_associations") == []
    (finding,) = [f for f in connector.findings() if f.rule_id == "archived_not_listed"]
    assert finding.object == "deals" and "Paging through deleted objects" in finding.message


def test_a_count_that_is_refused_is_told(account):
    connector = connect(account)
    schema = connector.schema("deals")
    account.script = lambda method, path: (400, {"message": "no"}, {}) if path.endswith("search") else None
    assert connector.count(schema) is None
    assert [(f.rule_id, f.object) for f in connector.findings() if f.object == "deals" and not f.field] == [
        ("not_counted", "deals")
    ]
    assert len(rows_of(read_all(connector, "deals", SINCE), "deals")) == 2500  # without a search all of it is read


def test_too_many_properties_for_a_url_are_asked_for_in_bodies(account):
    deals = account.objects["deals"]
    deals.properties |= {f"a_rather_long_property_name_{n}": "string" for n in range(500)}
    for record_id in list(deals.records)[300:]:
        del deals.records[record_id]
    deals.records["7"].properties["a_rather_long_property_name_499"] = "far"
    pages = read_all(connect(account), "deals")
    rows = rows_of(pages, "deals")
    assert ids(rows) == sorted(int(i) for i in deals.records)
    assert rows[0]["properties"]["a_rather_long_property_name_499"] == "far"
    assert account.calls.count("POST /crm/objects/2026-03/deals/batch/read") == 6


def test_increment_reads_only_what_changed_inside_the_window(account):
    deals = account.objects["deals"].records
    for number, at in ((7, SINCE), (14, NOW - timedelta(seconds=1)), (21, NOW), (28, SINCE - timedelta(seconds=1))):
        deals[str(number)].updated_at = at
    connector = connect(account, association_refresh_days=0)
    schema = connector.schema("deals")
    account.calls.clear()
    pages = list(connector.read(schema, Window(SINCE, NOW), None))
    assert ids(rows_of(pages, "deals")) == [7, 14]
    assert sorted(set(account.calls)) == [
        "GET /crm/objects/2026-03/deals",
        "POST /crm/associations/2026-03/deals/companies/batch/read",
        "POST /crm/associations/2026-03/deals/contacts/batch/read",
        "POST /crm/objects/2026-03/deals/batch/read",
        "POST /crm/objects/2026-03/deals/search",
    ]
    assert len(account.calls) == 5


def test_more_ties_than_a_search_can_reach_lose_and_double_nothing(account):
    account.search_reach = 400
    for record in account.objects["deals"].records.values():
        record.updated_at = SINCE
    pages = read_all(connect(account), "deals", SINCE)
    assert ids(rows_of(pages, "deals")) == sorted(int(i) for i in account.objects["deals"].records)


def test_changes_that_arrive_while_searching_leave_no_gap(account):
    deals = account.objects["deals"].records
    for record in deals.values():
        record.updated_at = SINCE
    victims = iter(sorted(deals, key=int))

    def touch() -> None:
        deals[next(victims)].updated_at = NOW + timedelta(seconds=1)

    account.on_search = touch
    connector = connect(account)
    first = ids(rows_of(read_all(connector, "deals", SINCE), "deals"))
    account.on_search = lambda: None
    later = NOW + timedelta(hours=1)
    second = ids(rows_of(read_all(connector, "deals", NOW - timedelta(minutes=10), later), "deals"))
    assert set(first) | set(second) == {int(i) for i in deals}
    assert len(first) == len(set(first))


def test_a_change_of_everything_is_read_like_a_backfill(account, monkeypatch):
    monkeypatch.setattr(reading, "MANY_CHANGES", 1000)
    for record in account.objects["deals"].records.values():
        record.updated_at = SINCE
    connector = connect(account)
    pages = read_all(connector, "deals", SINCE)
    assert len(rows_of(pages, "deals")) == 2500
    assert "POST /crm/objects/2026-03/deals/batch/read" not in account.calls


def test_archived_records_are_swept_each_run(account):
    deals = account.objects["deals"].records
    deals["7"].archived_at = NOW - timedelta(hours=2)
    deals["14"].archived_at = NOW - timedelta(days=20)
    connector = connect(account)
    increment = rows_of(read_all(connector, "deals", SINCE), "deals")
    assert [(r["id"], r["archived"]) for r in increment] == [("7", True)]
    backfill = rows_of(read_all(connector, "deals"), "deals")
    assert [r["id"] for r in backfill if r["archived"]] == ["7", "14"]


def test_records_merged_into_others_are_deleted(account):
    winner = account.objects["deals"].records["70"]
    winner.properties["hs_merged_object_ids"] = "7;70;14"
    winner.updated_at = NOW - timedelta(hours=1)
    pages = read_all(connect(account), "deals", SINCE)
    assert rows_of(pages, "deals", "delete") == [{"id": "7"}, {"id": "14"}]


def test_a_record_deleted_between_search_and_read_is_left_out(account):
    deals = account.objects["deals"].records
    for number in ("7", "14"):
        deals[number].updated_at = SINCE
    connector = connect(account)
    schema = connector.schema("deals")

    def vanish(method: str, path: str) -> None:
        if path.endswith("batch/read"):
            deals.pop("14", None)

    account.script = vanish
    pages = list(connector.read(schema, Window(SINCE, NOW), None))
    assert ids(rows_of(pages, "deals")) == [7]


def test_associations_are_paged_inside_a_record_and_keep_labels(account):
    account.association_page = 2
    for company in range(1, 6):
        account.link("deals", "7", "companies", str(company), typeId=5, label="Partner", category="USER_DEFINED")
    pages = read_all(connect(account), "deals")
    rows = rows_of(pages, "deals_associations")
    assert [r["to_id"] for r in rows] == ["1", "2", "3", "4", "5"]
    assert rows[0] == {
        "from_id": "7",
        "to_object": "companies",
        "to_id": "1",
        "category": "USER_DEFINED",
        "type_id": 5,
        "label": "Partner",
    }


def test_a_failed_part_of_an_association_batch_is_fatal_not_skipped(account):
    broken = {"results": [], "errors": [{"category": "INTERNAL_ERROR", "context": {"fromObjectId": ["7"]}}]}
    account.script = lambda method, path: (207, broken, {}) if "associations" in path else None
    with pytest.raises(IncompleteAnswer):
        read_all(connect(account), "deals")


def test_default_links_to_what_may_not_be_read_become_a_finding(account):
    account.script = lambda method, path: (
        (403, {"category": "MISSING_SCOPES"}, {}) if "deals/contacts" in path else None
    )
    account.link("deals", "7", "companies", "1")
    connector = connect(account)
    assert len(rows_of(read_all(connector, "deals"), "deals_associations")) == 1
    assert [(f.object, f.field) for f in connector.findings() if f.rule_id == "missing_association"] == [
        ("deals_associations", "contacts")
    ]
    assert connector.refusals() == []
    (links,) = [child for child in connector.schema("deals").children if child.covers_field == "to_object"]
    assert links.covers == ("companies",), "links with contacts known from before stay"


def test_links_somebody_named_that_may_not_be_read_are_told_though_all_else_is_read(account):
    account.script = lambda method, path: (403, {}, {}) if "deals/contacts" in path else None
    connector = connect(account, associations={"deals": ["companies", "contacts"]})
    assert len(rows_of(read_all(connector, "deals"), "deals")) == 2500
    (refusal,) = connector.refusals()
    assert "Links of deals with contacts" in refusal.what and "take contacts out of associations" in refusal.next_step


@pytest.mark.parametrize("since", [None, SINCE])
def test_a_killed_read_goes_on_after_its_last_durable_page(account, since, monkeypatch):
    monkeypatch.setattr(changes, "CHUNK_RECORDS", 200)
    monkeypatch.setattr(listing, "CHUNK_RECORDS", 200)
    deals = account.objects["deals"].records
    for record_id in list(deals)[600:]:
        del deals[record_id]
    for record in deals.values():
        record.updated_at = SINCE
    deals["700"].archived_at = NOW - timedelta(hours=1)
    connector = connect(account)
    schema, window = connector.schema("deals"), Window(since, NOW)
    whole = list(connector.read(schema, window, None))
    for killed_after in range(len(whole)):
        kept, checkpoint = [], None
        for number, page in enumerate(whole[:killed_after], start=1):
            if page.checkpoint:
                kept, checkpoint = whole[:number], page.checkpoint
        resumed = list(connector.read(schema, window, checkpoint))
        assert ids(rows_of(kept + resumed, "deals")) == ids(rows_of(whole, "deals"))
    assert whole[-1].checkpoint["phase"] == "done"


def test_reconciliation_names_every_existing_id(account):
    account.objects["deals"].records["7"].archived_at = NOW
    pages = read_all(connect(account, reconcile=True), "deals", SINCE)
    named = [r["id"] for r in rows_of(pages, "deals", "keys") if r["id"]]
    assert named == sorted((i for i in account.objects["deals"].records if i != "7"), key=int)
    connector = connect(account)
    only = list(connector.read(connector.schema("deals"), Window(SINCE, NOW), KEYS_ONLY))
    assert {p.kind for p in only if p.body} == {"keys"}


def test_both_versions_give_the_same_rows(account):
    account.link("deals", "7", "companies", "1")
    for record in account.objects["deals"].records.values():
        record.history["amount"] = [{"value": "1", "timestamp": iso(NOW)}]
    dated, legacy = (read_all(connect(account, api_version=v), "deals") for v in ("2026-03", "v3"))
    for stream in ("deals", "deals_history", "deals_associations"):
        assert rows_of(dated, stream) == rows_of(legacy, stream)
    assert "POST /crm/v4/associations/deals/companies/batch/read" in account.calls
