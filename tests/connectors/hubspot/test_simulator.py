"""The connector over https against the simulated HubSpot: what it reads is what the company holds."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import groupby, islice
from typing import Any
from zlib import crc32

import pytest

from connectors.contract import Page, Window
from connectors.errors import CredentialsFailure, SourceFailure
from connectors.hubspot.connector import HubspotConnector, open_hubspot
from connectors.hubspot.objects import DEFAULT_ASSOCIATIONS, DEFAULT_HISTORY
from connectors.hubspot.records import instant
from connectors.hubspot.schemas import OPTIONAL
from crmlift.simulator.build import build_company
from crmlift.simulator.company import Company, HistoryEntry
from crmlift.simulator.hubspot.portal import inverse_type_id
from crmlift.simulator.hubspot.records import property_text
from crmlift.simulator.options import HS_CLIENT_ID, HS_CLIENT_SECRET, HS_REFRESH_TOKEN, HS_SERVICE_KEY, ServerOptions
from crmlift.simulator.server import ServerInfo, running_simulator
from tests.connectors.hubspot import fake_account
from tests.connectors.hubspot.fake_account import rows_of
from tests.crmlift.simulator.every_object import every_object

WEEK = timedelta(days=7)
FAST_SHARE = 5
SAMPLE = 11  # every 11th record is compared value by value, all by id
ENVELOPE = {"id", "createdAt", "updatedAt", "archived", "archivedAt"}
Rows = dict[str, list[dict[str, Any]]]


def part_of(whole: Company, one_in: int) -> Company:
    """Every so manieth record of a company, the same ones at any moment, with all that hangs on them."""
    tables = {}
    for name, table in whole.hubspot.items():
        rows = [row for row in table.rows if crc32(str(row["id"]).encode()) % one_in == 0]
        ids = {str(row["id"]) for row in rows}
        history = {i: past for i, past in table.history.items() if i in ids}
        tables[name] = replace(table, rows=rows, history=history)
    known = {(name, str(row["id"])) for name, table in tables.items() for row in table.rows}
    linked = [a for a in whole.associations if known >= {(a.from_type, a.from_id), (a.to_type, a.to_id)}]
    return replace(whole, hubspot=tables, associations=linked)


@pytest.fixture(scope="module")
def company() -> Company:
    return part_of(build_company("known"), FAST_SHARE)


@pytest.fixture(scope="module")
def server(company: Company) -> Iterator[ServerInfo]:
    with running_simulator(company) as info:
        yield info


@pytest.fixture
def connect(server: ServerInfo) -> Iterator[Callable[..., HubspotConnector]]:
    opened: list[HubspotConnector] = []

    def connect(info: ServerInfo = server, secrets: dict[str, str] | None = None, **more: Any) -> HubspotConnector:
        settings = {"type": "hubspot", "base_url": info.base_url, "ca_bundle": str(info.ca_file), **more}
        opened.append(open_hubspot("hs", settings, secrets or {"access_token": HS_SERVICE_KEY}))
        return opened[-1]

    yield connect
    for connector in opened:
        connector.close()


def hasty(info: ServerInfo, **more: Any) -> HubspotConnector:
    """A connector whose waits take no time."""
    settings = {"base_url": info.base_url, "ca_bundle": str(info.ca_file), **more}
    return fake_account.connect(None, secrets={"access_token": HS_SERVICE_KEY}, **settings)


def read(connector: HubspotConnector, stream: str, window: Window, checkpoint: Any = None) -> list[Page]:
    return list(connector.read(connector.schema(stream), window, checkpoint))


def extract(connector: HubspotConnector, window: Window) -> Rows:
    """Records of every stream and its children, and of `<stream> keys` the ids that were named."""
    rows: Rows = {}
    for stream in connector.streams():
        schema = connector.schema(stream)
        pages = list(connector.read(schema, window, None))
        for name in (stream, *(child.stream for child in schema.children)):
            rows[name] = rows_of(pages, name)
        rows[f"{stream} keys"] = rows_of(pages, stream, "keys")
        if connector.count(schema) is not None:
            alive = sum(not row["archived"] for row in rows[stream])
            assert window.since is not None or alive == connector.count(schema), stream
    return rows


def numbered(entries: Sequence[HistoryEntry]) -> Iterator[tuple[int, HistoryEntry]]:
    """Past values with their number among those of the same instant."""
    for _, ties in groupby(entries, key=lambda entry: entry.at):
        yield from enumerate(ties)


def links(company: Company) -> set[tuple[Any, ...]]:
    gone = {(n, r["id"]) for n, t in company.hubspot.items() for r in t.rows if r["archived"]}
    seen: set[tuple[Any, ...]] = set()
    for link in company.associations:
        one, other = (link.from_type, link.from_id), (link.to_type, link.to_id)
        if one not in gone and other not in gone:
            seen.add((*one, *other, link.category, link.type_id, link.label))
            seen.add((*other, *one, link.category, inverse_type_id(link), link.label))
    return {row for row in seen if row[2] in DEFAULT_ASSOCIATIONS.get(row[0], ())}


def test_a_full_extract_equals_the_company(company, connect):
    check_full_extract(company, connect())


@pytest.mark.slow
def test_a_full_extract_equals_the_whole_company(connect):
    whole = build_company("known")
    with running_simulator(whole) as info:
        check_full_extract(whole, connect(info))


def check_full_extract(company: Company, connector: HubspotConnector) -> None:
    rows = extract(connector, Window(None, connector.clock()))
    for name, table in company.hubspot.items():
        assert table.rows, name
        got = {row["id"]: row for row in rows[name]}
        assert len(got) == len(rows[name])
        listed = [row for row in table.rows if not (row["archived"] and name == "meetings")]
        assert got.keys() == {str(row["id"]) for row in listed}, name
        asked = {f.path[1] for f in connector.schema(name).fields if len(f.path) == 2}
        for row in listed[::SAMPLE]:
            found = got[str(row["id"])]
            assert found["archived"] == row["archived"] and instant(found["updatedAt"]) == row["updatedAt"]
            held = {k: property_text(v) for k, v in row.items() if k in asked and k not in ENVELOPE}
            assert {k: found["properties"][k] for k in held} == held
        wanted = DEFAULT_HISTORY.get(name, ())
        sampled = set(islice(table.history, None, None, SAMPLE))
        history = {
            (record, prop, seq, entry.value, entry.at)
            for record, props in islice(table.history.items(), None, None, SAMPLE)
            for prop, entries in props.items()
            for seq, entry in numbered(entries)
            if prop in wanted
        }
        kept = {
            (r["record_id"], r["property"], r["seq"], r["value"], instant(r["at"]))
            for r in rows.get(f"{name}_history", [])
            if r["record_id"] in sampled
        }
        assert kept == history, name
    got_links = {
        (name, r["from_id"], r["to_object"], r["to_id"], r["category"], r["type_id"], r["label"])
        for name in company.hubspot
        for r in rows.get(f"{name}_associations", [])
    }
    assert got_links == links(company) != set()
    assert {r["id"] for r in rows["owners"]} == {o["id"] for o in company.owners}
    assert len(rows["login_activity"]) > 0
    assert connector.api_calls < 1_000


def test_an_increment_brings_exactly_what_changed(company, server, connect):
    later = part_of(build_company("known", as_of=company.as_of + WEEK), FAST_SHARE)
    server.served.set_company(later)
    try:
        connector = connect()
        since = company.as_of - timedelta(minutes=10)
        rows = extract(connector, Window(since, connector.clock()))
        assert connector.api_calls < 400
    finally:
        server.served.set_company(company)
    for name, table in later.hubspot.items():
        before = {r["id"]: r for r in company.hubspot[name].rows}
        changed = {r["id"] for r in table.rows if before.get(r["id"]) != r}
        alive = {r["id"] for r in table.rows if not r["archived"] and r["updatedAt"] >= since}
        archived = {r["id"] for r in table.rows if r["archived"] and r["id"] in changed}
        got = {r["id"] for r in rows[name]}
        assert changed - (archived if name == "meetings" else set()) <= got, name
        assert {r["id"] for r in rows[name] if not r["archived"]} == alive, name
        told = {r["id"] for r in rows[name] if r["archived"]}
        if name == "meetings":  # archived ones are not listed: they are missing among all ids
            named = {r["id"] for r in rows["meetings keys"]}
            assert alive <= named and not told and archived.isdisjoint(named)
        else:
            assert archived <= told, name


@pytest.mark.parametrize("pages", [1, 4, 9])
def test_a_read_killed_between_pages_goes_on_with_nothing_lost_or_doubled(company, connect, pages):
    first = connect()
    schema, window = first.schema("companies"), Window(None, company.as_of)
    kept = list(islice(first.read(schema, window, None), pages))
    durable = max((n for n, page in enumerate(kept) if page.checkpoint), default=-1)
    kept = kept[: durable + 1]
    checkpoint = kept[-1].checkpoint if kept else None
    rest = read(connect(), "companies", window, checkpoint)
    got = [row["id"] for row in rows_of(kept + rest, "companies")]
    assert sorted(got) == sorted(row["id"] for row in company.hubspot["companies"].rows)


def test_legacy_and_dated_addresses_and_oauth_give_the_same(company, connect):
    app = {"client_id": HS_CLIENT_ID, "client_secret": HS_CLIENT_SECRET, "refresh_token": HS_REFRESH_TOKEN}
    window = Window(None, company.as_of)
    ways = [connect(), connect(api_version="v3"), connect(secrets=app), connect(secrets=app, api_version="v3")]
    found = [[rows_of(read(way, "deals", window), s) for s in ("deals", "deals_history")] for way in ways]
    assert all(one == found[0] for one in found[1:]) and found[0][1]


def test_a_storm_changes_nothing(company, connect):
    options = ServerOptions(faults="all", fault_seed=3, fault_share=0.3)
    window = Window(None, company.as_of)
    calm = read(connect(), "contacts", window)
    with running_simulator(company, options) as info:
        stormy = read(hasty(info), "contacts", window)
        assert info.faults is not None and len(info.faults.counts) > 2
    for stream in ("contacts", "contacts_history", "contacts_associations"):
        assert rows_of(stormy, stream) == rows_of(calm, stream)


def test_a_wrong_token_is_told_apart_from_a_wrong_address(server, connect):
    with pytest.raises(CredentialsFailure, match="Service keys"):
        connect(secrets={"access_token": "not-the-key"}).check()
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(SourceFailure, match=address):
            hasty(server, base_url=f"https://{address}").check()


def test_an_untrusted_certificate_is_refused(connect):
    with pytest.raises(SourceFailure, match="ca_bundle"):
        connect(ca_bundle=None).check()


def test_what_an_account_has_set_up_is_read_whole(connect):
    held = every_object()
    with running_simulator(held) as info:
        connector = connect(info)
        streams = connector.streams()
        window = Window(None, held.as_of)
        rows = {name: rows_of(read(connector, name, window), name) for name in (*OPTIONAL, "machines", "goal_targets")}
    assert streams[3:7] == list(OPTIONAL) and {"products", "line_items", "quotes", "machines"} < set(streams)
    labels = {(r["object_type"], r["stage_id"], r["label"]): r["last_seen_at"] for r in rows["pipeline_stage_labels"]}
    assert {labels["deals", "1", name] is None for name in ("Fresh", "New")} == {True, False}
    assert labels["deals", "1", "New"] is None and labels["deals", "0", "Gone"] is not None and len(labels) == 9
    assert {team["name"]: len(team["userIds"]) for team in rows["teams"]} == {"Team 0": 3, "Team 1": 4}
    assert len({rate["id"] for rate in rows["exchange_rates"]}) == len(held.exchange_rates) == 120
    defined = {(r["object_type"], r["name"]): r["type"] for r in rows["properties"]}
    assert defined["machines", "is_open"] == "bool" and defined["deals", "dealstage"] == "enumeration"
    for name in ("machines", "goal_targets"):
        assert {r["id"] for r in rows[name]} == {r["id"] for r in held.hubspot[name].rows}
