"""Links that change without moving a record's time of change."""

from datetime import datetime, timedelta

import pytest

from connectors.contract import Checkpoint, Page, Window
from connectors.hubspot import changes, links, listing
from tests.connectors.hubspot.fake_account import NOW, FakeAccount, connect, read_all, rows_of

DAY = timedelta(days=1)
RECORDS = 1200


@pytest.fixture
def account() -> FakeAccount:
    account = FakeAccount()
    calls = account.object("calls", hs_call_title="string")
    for name in ("contacts", "companies", "deals", "tickets"):
        account.object(name).add(1)
    for number in range(1, RECORDS + 1):
        calls.add(number * 3)
    return account


def linked(pages: list[Page]) -> dict[str, str]:
    """from → to of the links a read brought."""
    return {row["from_id"]: row["to_id"] for row in rows_of(pages, "calls_associations")}


def asked(pages: list[Page]) -> list[int]:
    """Records of which the read says that it has all links."""
    return [int(row["from_id"]) for row in rows_of(pages, "calls_associations", "parents")]


def night(account: FakeAccount, number: int, bookmark: Checkpoint | None = None, **settings: object) -> list[Page]:
    since = NOW + (number - 1) * DAY
    return read_all(connect(account, **settings), "calls", since, since + DAY, bookmark)


@pytest.fixture
def small_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if 1,200 records were many: 210 of them a day are affordable, in pieces of a hundred."""
    monkeypatch.setattr(links, "CALLS_A_DAY", 3)
    monkeypatch.setattr(links, "LEAST_CALLS", 1)
    monkeypatch.setattr(changes, "CHUNK_RECORDS", 100)
    monkeypatch.setattr(listing, "CHUNK_RECORDS", 100)


def test_a_link_made_later_comes_with_the_next_run(account):
    assert linked(read_all(connect(account), "calls")) == {}
    account.link("calls", "33", "deals", "1")
    pages = night(account, 1)
    assert rows_of(pages, "calls") == [] and linked(pages) == {"33": "1"}


def test_a_record_whose_last_link_was_taken_away_is_named_as_having_none(account):
    account.link("calls", "33", "deals", "1")
    pages = night(account, 1)
    account.links.clear()
    pages = night(account, 2)
    assert linked(pages) == {} and 33 in asked(pages)
    assert sorted(asked(pages)) == [number * 3 for number in range(1, RECORDS + 1)]


def test_where_all_ids_were_listed_they_are_named(account):
    del account.objects["calls"].records["36"]
    named = {row["id"] for row in rows_of(night(account, 1), "calls", "keys")}
    assert named == {None, *account.objects["calls"].records} and "36" not in named


def test_a_list_that_is_shorter_than_the_search_says_takes_nothing_for_gone(account):
    real = account._list

    def forgetful(held, query):
        status, body, headers = real(held, query)
        return status, {**body, "results": body["results"][1:]}, headers

    account._list = forgetful
    assert rows_of(night(account, 1), "calls", "keys") == []


def test_it_can_be_switched_off_and_a_backfill_needs_none(account):
    account.link("calls", "33", "deals", "1")
    pages = night(account, 1, association_refresh_days=0)
    assert linked(pages) == {} and asked(pages) == []
    pages = read_all(connect(account), "calls")
    assert linked(pages) == {"33": "1"} and asked(pages) == []


def test_of_many_records_a_round_over_several_runs_sees_all(account, small_rounds):
    bookmark, seen, calls = None, [], []
    for number in range(1, 8):
        account.calls.clear()
        pages = night(account, number, bookmark)
        seen.append(asked(pages))
        calls.append(len(account.calls))
        bookmark = pages[-1].checkpoint
        assert bookmark["phase"] == "done" and not rows_of(pages, "calls", "keys")
    all_ids = [number * 3 for number in range(1, RECORDS + 1)]
    assert sorted({record for ids in seen for record in ids}) == all_ids
    assert max(map(len, seen)) <= 400, "no night reads everything"
    assert [record for ids in seen[:4] for record in ids] == all_ids[: sum(map(len, seen[:4]))], "none twice on the way"
    assert max(calls) <= 30


def test_days_wins_over_what_is_cheap(account, small_rounds, monkeypatch):
    monkeypatch.setattr(links, "CALLS_A_DAY", 1)
    bookmark, seen = None, set()
    for number in range(1, 4):
        pages = night(account, number, bookmark, association_refresh_days=3)
        seen |= set(asked(pages))
        bookmark = pages[-1].checkpoint
    assert len(seen) == RECORDS


def test_of_many_records_those_changed_lately_are_asked_about_every_night(account, small_rounds):
    fresh = [str(number * 3) for number in range(RECORDS - 50, RECORDS + 1)]
    for record_id, record in account.objects["calls"].records.items():
        record.updated_at = NOW - (2 * DAY if record_id in fresh else 90 * DAY)
    bookmark = None
    for number in range(1, 4):
        pages = night(account, number, bookmark)
        assert {int(record_id) for record_id in fresh} <= set(asked(pages))
        bookmark = pages[-1].checkpoint


def test_more_lately_changed_records_than_a_night_affords_are_cut_in_time(account, small_rounds):
    for number, record in enumerate(account.objects["calls"].records.values()):
        record.updated_at = NOW - DAY * 30 * number / RECORDS
    pages = night(account, 1)
    assert len([record for record in asked(pages) if record <= 300]) > 9 and len(asked(pages)) <= 2 * 310


@pytest.mark.parametrize("is_small", [True, False])
def test_a_killed_refresh_goes_on_where_it_was(account, is_small, monkeypatch, request):
    if is_small:
        monkeypatch.setattr(changes, "CHUNK_RECORDS", 100)
        monkeypatch.setattr(listing, "CHUNK_RECORDS", 100)
    else:
        request.getfixturevalue("small_rounds")
        for record in list(account.objects["calls"].records.values())[:250]:
            record.updated_at = NOW - 3 * DAY
    connector = connect(account)
    schema, window = connector.schema("calls"), Window(NOW, NOW + DAY, {"phase": "done", "round": "600"})
    whole = list(connector.read(schema, window, None))
    for number, page in enumerate(whole, start=1):
        if page.checkpoint:
            rest = list(connector.read(schema, window, page.checkpoint))
            assert asked(whole[:number] + rest) == asked(whole)
            assert rest == [] or rest[-1].checkpoint["round"] == whole[-1].checkpoint["round"]
            assert not rows_of(rest, "calls", "keys") or number == 1 or rows_of(whole[:number], "calls", "keys") == []


def test_a_place_that_is_no_longer_known_costs_the_refresh_only(account, small_rounds):
    real = account._list

    def forgets(held, query):
        return (400, {"message": "no such cursor"}, {}) if query.get("after") == "gone" else real(held, query)

    account._list = forgets
    connector = connect(account)
    pages = read_all(connector, "calls", NOW, NOW + DAY, {"phase": "done", "round": "gone"})
    assert pages[-1].checkpoint["phase"] == "done" and pages[-1].checkpoint["round"] is None
    assert [f.object for f in connector.findings() if f.rule_id == "links_not_read_again"] == ["calls"]


def test_a_pair_refused_while_links_are_read_again_is_left_out(account):
    account.script = lambda method, path: (403, {}, {}) if "calls/tickets" in path else None
    account.link("calls", "33", "deals", "1")
    connector = connect(account)
    pages = read_all(connector, "calls", NOW, NOW + DAY)
    assert linked(pages) == {"33": "1"}
    (child,) = connector.schema("calls").children
    assert child.covers == ("companies", "contacts", "deals")


def test_hourly_runs_share_what_a_day_affords(account, monkeypatch):
    monkeypatch.setattr(links, "CALLS_A_DAY", 24 * 2)
    monkeypatch.setattr(links, "LEAST_CALLS", 1)
    connector = connect(account)
    since: datetime = NOW
    pages = read_all(connector, "calls", since, since + timedelta(hours=1))
    assert 100 <= len(asked(pages)) < RECORDS
