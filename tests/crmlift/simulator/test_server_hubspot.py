"""HubSpot's addresses: both generations, pages, search, limits, refusals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests

from crmlift.simulator.options import HS_CLIENT_ID, HS_CLIENT_SECRET, HS_REFRESH_TOKEN, ServerOptions
from crmlift.simulator.server import ServerInfo, running_simulator
from tests.crmlift.simulator.clients import trusting_session
from tests.crmlift.simulator.small_company import AS_OF, DEALS, START, small_company

ARCHIVED = DEALS // 50
LIVE = DEALS - ARCHIVED
FIRST, SECOND = "9000000000", "9000000007"
SEARCH = "/crm/v3/objects/deals/search"


def pages(session: requests.Session, url: str) -> Iterator[dict[str, Any]]:
    while url:
        page = session.get(url).json()
        yield page
        url = page.get("paging", {}).get("next", {}).get("link", "")


def where(*filters: tuple[str, str, Any], **more: Any) -> dict[str, Any]:
    shown = [{"propertyName": n, "operator": o, "value": v} for n, o, v in filters]
    return {"filterGroups": [{"filters": shown}], **more}


def test_links_lead_through_all_records_and_keep_the_query(hubspot: requests.Session, server: ServerInfo) -> None:
    url = f"{server.base_url}/crm/v3/objects/deals?limit=100&properties=dealname,amount"
    found = list(pages(hubspot, url))
    records = [record for page in found for record in page["results"]]
    assert len(found) == 8 and len({r["id"] for r in records}) == LIVE
    assert "properties=dealname%2Camount" in found[0]["paging"]["next"]["link"]
    assert set(records[-1]["properties"]) == {
        "dealname", "amount", "createdate", "hs_lastmodifieddate", "hs_object_id",
    }  # fmt: skip
    assert records[0]["properties"]["amount"] is None and records[1]["properties"]["amount"] == "10"


def test_paging_survives_records_that_come_and_go() -> None:
    company = small_company()
    with running_simulator(company, is_https=False) as server:
        session = trusting_session(server)
        session.headers["Authorization"] = "Bearer pat-crmlift-demo"
        first = session.get(f"{server.base_url}/crm/v3/objects/deals?limit=100").json()
        rows = company.hubspot["deals"].rows
        rows.insert(0, rows[0] | {"id": "5", "hs_object_id": 5})
        rest = list(pages(session, first["paging"]["next"]["link"]))
        ids = [r["id"] for page in [first, *rest] for r in page["results"]]
        assert len(ids) == len(set(ids)) == LIVE  # the new one lies before the cursor


def test_archived_records_are_a_world_of_their_own(hubspot: requests.Session, server: ServerInfo) -> None:
    url = f"{server.base_url}/crm/v3/objects/deals"
    archived = hubspot.get(url, params={"archived": "true", "limit": 100}).json()["results"]
    assert len(archived) == ARCHIVED and all(r["archived"] and r["archivedAt"] for r in archived)
    one = archived[0]["id"]
    assert hubspot.get(f"{url}/{one}").status_code == 404
    assert hubspot.get(f"{url}/{one}?archived=true").json()["id"] == one
    body = where(("hs_object_id", "EQ", one))
    assert hubspot.post(server.base_url + SEARCH, json=body).json()["total"] == 0


@pytest.mark.parametrize(
    ("legacy", "dated"),
    [
        ("/crm/v3/objects/deals?limit=3", "/crm/objects/2026-03/deals?limit=3"),
        ("/crm/v3/objects/0-3?limit=3", "/crm/v3/objects/deal?limit=3"),
        ("/crm/v3/properties/deals", "/crm/properties/2026-03/deals"),
        ("/crm/v3/properties/deals/amount", "/crm/properties/2026-03/deals/amount"),
        ("/crm/v3/pipelines/deals", "/crm/pipelines/2026-03/deals"),
        ("/crm/v3/pipelines/deals/default/stages", "/crm/pipelines/2026-03/deals/default/stages"),
        ("/crm/v3/owners/?limit=1", "/crm/owners/2026-03?limit=1"),
        ("/crm/v3/schemas", "/crm-object-schemas/2026-03/schemas"),
        ("/crm/v4/objects/deals/9000000000/associations/contacts", "/crm/objects/2026-03/deals/9000000000/associations/contacts"),
        ("/account-info/v3/activity/login", "/account-info/2026-03/activity/login"),
        ("/account-info/v3/details", "/account-info/2026-03/details"),
        ("/settings/v3/users/teams", "/settings/users/2026-03/teams"),
    ],
)  # fmt: skip
def test_dated_addresses_answer_like_legacy_ones(
    hubspot: requests.Session, server: ServerInfo, legacy: str, dated: str
) -> None:
    answers = [hubspot.get(server.base_url + path) for path in (legacy, dated)]
    assert [a.status_code for a in answers] == [200, 200]
    bodies = [a.json() for a in answers]
    for body in bodies:
        body.pop("paging", None)
    assert bodies[0] == bodies[1] and bodies[0]


def test_legacy_property_lists_are_bare_arrays(hubspot: requests.Session, server: ServerInfo) -> None:
    found = hubspot.get(f"{server.base_url}/properties/v2/deals/properties").json()
    assert {p["name"]: p["type"] for p in found}["dealstage"] == "enumeration"


def test_batch_read(hubspot: requests.Session, server: ServerInfo) -> None:
    url = f"{server.base_url}/crm/objects/2026-03/deals/batch/read"
    body = {"inputs": [{"id": SECOND}, {"id": "1"}], "properties": ["hs_is_closed"]}
    answer = hubspot.post(url, json=body)
    assert answer.status_code == 207 and answer.json()["numErrors"] == 1
    assert answer.json()["errors"][0]["context"] == {"ids": ["1"]}
    assert answer.json()["results"][0]["properties"]["hs_is_closed"] == "true"
    by_name = {"inputs": [{"id": "c3@acme.example"}], "idProperty": "email"}
    found = hubspot.post(f"{server.base_url}/crm/v3/objects/contacts/batch/read", json=by_name)
    assert found.status_code == 200 and found.json()["results"][0]["id"] == "503"


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("/crm/v3/objects/deals?limit=101", None, "limit must be between 1 and 100"),
        ("/crm/v3/objects/deals?limit=51&propertiesWithHistory=amount", None, "between 1 and 50"),
        ("/crm/v3/objects/butterflies", None, "Unable to infer object type from: butterflies"),
        ("/crm/v3/objects/deals/batch/read", {"inputs": [{"id": str(n)} for n in range(101)]}, "is 100."),
        ("/crm/v3/objects/deals/batch/read",
         {"inputs": [{"id": str(n)} for n in range(51)], "propertiesWithHistory": ["amount"]}, "histories is 50."),
        (SEARCH, {"limit": 201}, "between 1 and 200"),
        (SEARCH, {"limit": 200, "after": 9_900}, "There was a problem with the request."),
        (SEARCH, {"filterGroups": [{"filters": []}] * 7}, "Too many filterGroups"),
        (SEARCH, where(("nope", "EQ", "1")), "Property nope does not exist"),
        (SEARCH, where(("amount", "LIKE", "1")), "operator LIKE is not supported"),
        (SEARCH, where(("amount", "EQ", "many")), "is not a number"),
        (SEARCH, where(("amount", "IN", "1")), "needs values"),
        (SEARCH, {"propertiesWithHistory": ["amount"]}, "propertiesWithHistory"),
        (SEARCH, {"sorts": ["amount", "dealname"]}, "Too many sorts"),
    ],
)  # fmt: skip
def test_refusals(
    hubspot: requests.Session, server: ServerInfo, path: str, body: dict[str, Any] | None, message: str
) -> None:
    url = server.base_url + path
    answer = hubspot.get(url) if body is None else hubspot.post(url, json=body)
    assert answer.status_code == 400 and answer.json()["status"] == "error"
    assert message in answer.json()["message"] and answer.json()["correlationId"]


def test_body_that_is_not_json(hubspot: requests.Session, server: ServerInfo) -> None:
    answer = hubspot.post(server.base_url + SEARCH, data="{")
    assert answer.status_code == 400 and "Invalid input JSON" in answer.json()["message"]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"propertyName": "amount", "operator": "GT", "value": "7200"}, 7),
        ({"propertyName": "amount", "operator": "NOT_HAS_PROPERTY"}, 183),
        ({"propertyName": "amount", "operator": "HAS_PROPERTY"}, LIVE - 183),
        ({"propertyName": "amount", "operator": "IN", "values": ["10", "20.0", "40"]}, 2),
        ({"propertyName": "dealstage", "operator": "NOT_IN", "values": ["won"]}, 365),
        ({"propertyName": "dealstage", "operator": "NEQ", "value": "NEW"}, LIVE - 365),
        ({"propertyName": "dealname", "operator": "CONTAINS_TOKEN", "value": "72*"}, 11),
        ({"propertyName": "hs_object_id", "operator": "LTE", "value": SECOND}, 2),
        ({"propertyName": "hs_lastmodifieddate", "operator": "EQ", "value": "2026-01-01T10:00:00+00:00"}, 3),
        ({"propertyName": "hs_lastmodifieddate", "operator": "LT", "value": "1767259860000"}, 3),
        ({"propertyName": "hs_is_closed", "operator": "EQ", "value": "true"}, LIVE - 365),
    ],
)
def test_search_operators(hubspot: requests.Session, server: ServerInfo, item: dict[str, Any], expected: int) -> None:
    answer = hubspot.post(server.base_url + SEARCH, json={"filterGroups": [{"filters": [item]}]})
    assert answer.json()["total"] == expected


def test_search_groups_are_alternatives_of_conjunctions(hubspot: requests.Session, server: ServerInfo) -> None:
    groups = [
        where(("hs_object_id", "EQ", FIRST))["filterGroups"][0],
        where(("dealstage", "EQ", "won"), ("hs_object_id", "LT", "9000000030"))["filterGroups"][0],
    ]
    found = hubspot.post(server.base_url + SEARCH, json={"filterGroups": groups}).json()["results"]
    assert [r["id"] for r in found] == [FIRST, SECOND, "9000000021"]
    worded = hubspot.post(server.base_url + SEARCH, json={"query": "angebot 72"}).json()
    assert worded["total"] == 17  # 72, 172 … 672 and 720 … 729


def test_search_pages_by_offset(hubspot: requests.Session, server: ServerInfo) -> None:
    body = where(("hs_lastmodifieddate", "GTE", START.isoformat()), limit=200)
    ids: list[str] = []
    while True:
        page = hubspot.post(server.base_url + SEARCH, json=body).json()
        ids += [record["id"] for record in page["results"]]
        if "paging" not in page:
            break
        body["after"] = page["paging"]["next"]["after"]
    assert len(ids) == len(set(ids)) == page["total"] == LIVE


def test_the_search_index_lags() -> None:
    company = small_company()
    row = company.hubspot["deals"].rows[0]
    row |= {"updatedAt": AS_OF - timedelta(seconds=5), "hs_lastmodifieddate": AS_OF - timedelta(seconds=5)}
    body = where(("hs_lastmodifieddate", "GTE", (AS_OF - timedelta(hours=1)).isoformat()))
    totals = []
    for lag in (0, 3_600):
        with running_simulator(company, ServerOptions(search_lag_s=lag), is_https=False) as server:
            headers = {"Authorization": "Bearer pat-crmlift-demo"}
            session = trusting_session(server)
            totals.append(session.post(server.base_url + SEARCH, json=body, headers=headers).json()["total"])
            listed = session.get(f"{server.base_url}/crm/v3/objects/deals/{FIRST}", headers=headers)
            assert listed.status_code == 200
    assert totals == [1, 0]


def test_associations_page_inside_each_record() -> None:
    with running_simulator(small_company(), ServerOptions(association_page_size=3), is_https=False) as server:
        session = trusting_session(server)
        session.headers["Authorization"] = "Bearer pat-crmlift-demo"
        url = f"{server.base_url}/crm/associations/2026-03/deals/contacts/batch/read"
        found: list[str] = []
        inputs: list[dict[str, str]] = [{"id": FIRST}]
        while inputs:
            result = session.post(url, json={"inputs": inputs}).json()["results"][0]
            found += [to["toObjectId"] for to in result["to"]]
            after = result.get("paging", {}).get("next", {}).get("after")
            inputs = [{"id": FIRST, "after": after}] if after else []
        assert found == [str(n) for n in range(500, 507)]


def test_records_without_associations_are_errors_of_a_207(hubspot: requests.Session, server: ServerInfo) -> None:
    body = {"inputs": [{"id": FIRST}, {"id": "9000000014"}]}
    v4 = hubspot.post(f"{server.base_url}/crm/v4/associations/deals/contacts/batch/read", json=body)
    assert v4.status_code == 207 and v4.json()["numErrors"] == 1
    assert v4.json()["errors"][0]["subCategory"] == "crm.associations.NO_ASSOCIATIONS_FOUND"
    assert v4.json()["results"][0]["to"][0]["toObjectId"] == 500  # a number here, a string in dated versions
    v3 = hubspot.post(f"{server.base_url}/crm/v3/associations/deals/contacts/batch/read", json=body)
    assert v3.json()["results"][0]["to"][0] == {"id": "500", "type": "deal_to_contact"}
    labels = hubspot.get(f"{server.base_url}/crm/v4/associations/deals/contacts/labels").json()["results"]
    assert [label["label"] for label in labels] == [None, "Decision maker"]


def test_logins_and_owners_page(hubspot: requests.Session, server: ServerInfo) -> None:
    logins = [
        e for p in pages(hubspot, f"{server.base_url}/account-info/v3/activity/login?limit=7") for e in p["results"]
    ]
    assert [e["id"] for e in logins] == [str(n) for n in range(1, 31)]  # newest first
    owners = [o for p in pages(hubspot, f"{server.base_url}/crm/v3/owners?limit=1") for o in p["results"]]
    assert [o["id"] for o in owners] == ["1", "2"]
    assert hubspot.get(f"{server.base_url}/crm/v3/owners/101?idProperty=userId").json()["id"] == "1"


def test_oauth_tokens_rotate_and_open_the_portal(server: ServerInfo) -> None:
    session, url = trusting_session(server), f"{server.base_url}/oauth/2026-03/token"
    form = {"grant_type": "refresh_token", "client_id": HS_CLIENT_ID, "client_secret": HS_CLIENT_SECRET}
    answer = session.post(url, data=form | {"refresh_token": HS_REFRESH_TOKEN}).json()
    assert answer["expires_in"] == 1_800
    opened = session.get(
        f"{server.base_url}/account-info/v3/details",
        headers={"Authorization": f"Bearer {answer['access_token']}"},
    )
    assert opened.status_code == 200
    assert session.post(url, data=form | {"refresh_token": "no"}).status_code == 400
    assert session.post(url, data=form | {"client_secret": "no"}).status_code == 400


def test_types_the_company_has_not_are_empty(hubspot: requests.Session, server: ServerInfo) -> None:
    assert hubspot.get(f"{server.base_url}/crm/v3/objects/quotes").json() == {"results": []}
    assert hubspot.get(f"{server.base_url}/nowhere").status_code == 404
