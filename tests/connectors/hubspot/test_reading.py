"""What a read of objects brings, against an account in memory."""

from datetime import timedelta

import pytest

from connectors.contract import Window
from connectors.errors import TransientSourceFailure
from connectors.hubspot import listing, reading
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
    assert [(r["seq"], r["value"], r["source_type"]) for r in first] == [(0, "new", "IMPORT"), (1, "won", "CRM_UI")]
    assert first[1]["updated_by_user_id"] == 9 and first[0]["source_id"] == "x"
    assert account.calls.count("GET /crm/objects/2026-03/deals") <= 51 + 3


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
    connector = connect(account)
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
    with pytest.raises(TransientSourceFailure):
        read_all(connect(account), "deals")


def test_default_links_to_what_may_not_be_read_become_a_finding(account):
    account.script = lambda method, path: (
        (403, {"category": "MISSING_SCOPES"}, {}) if "deals/contacts" in path else None
    )
    account.link("deals", "7", "companies", "1")
    connector = connect(account)
    assert len(rows_of(read_all(connector, "deals"), "deals_associations")) == 1
    assert [f.object for f in connector.findings() if f.rule_id == "missing_association"] == [
        "associations of deals with contacts"
    ]


@pytest.mark.parametrize("since", [None, SINCE])
def test_a_killed_read_goes_on_after_its_last_durable_page(account, since, monkeypatch):
    monkeypatch.setattr(reading, "CHUNK_RECORDS", 200)
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
    assert {p.kind for p in only} == {"keys"}


def test_both_versions_give_the_same_rows(account):
    account.link("deals", "7", "companies", "1")
    for record in account.objects["deals"].records.values():
        record.history["amount"] = [{"value": "1", "timestamp": iso(NOW)}]
    dated, legacy = (read_all(connect(account, api_version=v), "deals") for v in ("2026-03", "v3"))
    for stream in ("deals", "deals_history", "deals_associations"):
        assert rows_of(dated, stream) == rows_of(legacy, stream)
    assert "POST /crm/v4/associations/deals/companies/batch/read" in account.calls
