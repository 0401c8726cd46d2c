"""Listing much in pieces side by side, whatever the cursors mean and whatever changes meanwhile."""

import random

import pytest

from connectors.contract import Window
from connectors.hubspot import listing
from tests.connectors.hubspot.fake_account import NOW, FakeAccount, connect, read_all, rows_of


@pytest.fixture
def account(monkeypatch) -> FakeAccount:
    for name, value in {"PROBE_PAGES": 2, "FEW_PAGES": 5, "PIECE_PAGES": 4, "PIECE_PAGES_MIN": 2}.items():
        monkeypatch.setattr(listing, name, value)
    monkeypatch.setattr(listing, "CHUNK_RECORDS", 300)
    account = FakeAccount()
    account.object("products", name="string")
    return account


def fill(account: FakeAccount, ids: list[int]) -> None:
    for record_id in ids:
        account.objects["products"].add(record_id, name=str(record_id))


def listed(account: FakeAccount) -> list[int]:
    return [int(r["id"]) for r in rows_of(read_all(connect(account), "products"), "products")]


SPREADS = {
    "even": lambda: list(range(500, 500 + 3000 * 10, 10)),
    "dense then sparse": lambda: [*range(1, 2001), *range(10_000, 10_000 + 1000 * 500, 500)],
    "sparse then dense": lambda: [*range(1, 100_000, 200), *range(10**6, 10**6 + 2500)],
    "a gap": lambda: [*range(1, 1500), *range(10**9, 10**9 + 1500)],
    "random": lambda: sorted(random.Random(7).sample(range(10**10), 3000)),
}


@pytest.mark.parametrize("cursors", ["inclusive", "exclusive", "offsets"])
@pytest.mark.parametrize("spread", SPREADS)
def test_every_record_comes_once_and_in_order(account, cursors, spread):
    ids = SPREADS[spread]()
    fill(account, ids)
    account.cursors = cursors
    assert listed(account) == ids


@pytest.mark.parametrize("cursors", ["inclusive", "exclusive"])
def test_pieces_cost_few_calls_more_than_pages(account, cursors, monkeypatch):
    monkeypatch.setattr(listing, "PIECE_PAGES", 30)
    monkeypatch.setattr(listing, "PIECE_PAGES_MIN", 15)
    fill(account, list(range(10**6, 10**6 + 6_000 * 30, 30)))
    account.cursors = cursors
    assert len(listed(account)) == 6_000
    calls = [c for c in account.calls if c == "GET /crm/objects/2026-03/products"]
    assert len(calls) <= 1.05 * 60 + 1


def test_records_that_come_and_go_meanwhile_hide_no_others(account):
    ids = SPREADS["random"]()
    fill(account, ids)
    products, count = account.objects["products"], 0
    touched = {ids[1500], ids[2000], ids[2500]}

    def meddle(method: str, path: str) -> None:
        nonlocal count
        count += 1
        if count == 12:
            for record_id in touched:
                products.records.pop(str(record_id), None)
            products.add(ids[1800] + 1, name="new")

    account.script = meddle
    found = listed(account)
    assert set(ids) - touched <= set(found)
    assert len(found) == len(set(found))


@pytest.mark.parametrize("cursors", ["inclusive", "exclusive", "offsets"])
def test_a_listing_killed_anywhere_goes_on_there(account, cursors):
    ids = SPREADS["dense then sparse"]()
    fill(account, ids)
    account.cursors = cursors
    connector = connect(account)
    schema, window = connector.schema("products"), Window(None, NOW)
    whole = list(connector.read(schema, window, None))
    for number, page in enumerate(whole, start=1):
        if page.checkpoint:
            resumed = list(connector.read(schema, window, page.checkpoint))
            assert [int(r["id"]) for r in rows_of(whole[:number] + resumed, "products")] == ids
