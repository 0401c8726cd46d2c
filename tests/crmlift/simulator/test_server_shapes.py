"""Answers have every key that recorded answers of the real systems have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from crmlift.simulator.server import ServerInfo
from tests.crmlift.simulator.clients import CLIENT_CREDENTIALS, trusting_session

RECORDED = Path(__file__).parents[4] / "shared" / "data"
DEAL = "/crm/v3/objects/deals"
V = "/services/data/v63.0"

pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded answers are not beside the repository")


def recorded(path: str) -> Any:
    return json.loads((RECORDED / path).read_text())


def missing(real: Any, ours: Any, at: str = "$") -> set[str]:
    """Paths of keys of the recording that ours lacks; of lists the first elements are compared."""
    if isinstance(real, dict) and isinstance(ours, dict):
        lacking = {f"{at}.{key}" for key in real.keys() - ours.keys()}
        shared = real.keys() & ours.keys()
        return lacking.union(*(missing(real[key], ours[key], f"{at}.{key}") for key in shared))
    if isinstance(real, list) and isinstance(ours, list) and real and ours:
        return missing(real[0], ours[0], f"{at}[]")
    return set()


def test_describe(salesforce: requests.Session, server: ServerInfo) -> None:
    ours = salesforce.get(f"{server.base_url}{V}/sobjects/Opportunity/describe").json()
    real = recorded("salesforce_describe/Opportunity_describe.json")
    for key in ("childRelationships", "urls", "supportedScopes"):
        real.pop(key)
    assert missing(real, ours) == set()
    by_type = {field["type"]: field for field in ours["fields"]}
    for field in real["fields"]:
        twin = by_type.get(field["type"])
        if twin is not None:
            assert missing(field, twin) == set() and twin["soapType"] == field["soapType"]


def test_global_describe(salesforce: requests.Session, server: ServerInfo) -> None:
    ours = salesforce.get(f"{server.base_url}{V}/sobjects").json()
    real = recorded("salesforce_describe/Global_describe.json")
    real["sobjects"][0]["urls"] = {}
    assert missing(real, ours) == set()


@pytest.mark.parametrize(
    ("path", "recording"),
    [
        ("/query?q=SELECT+Id+FROM+Opportunity", "query_paginated_first_page_response.json"),
        ("/query?q=SELECT+Id+FROM+Opportunity+WHERE+Id='x'", "query_empty_response.json"),
        ("/query?q=SELECT+Nope+FROM+Opportunity", "query_error_response.json"),
        ("/sobjects/Nope/describe", "sobject_describe_error_response.json"),
        ("/sobjects/User/nope", "sobject_find_error_response.json"),
        (
            "/sobjects/Opportunity/deleted?start=2026-10-20T00:00:00Z&end=2026-11-02T00:00:00Z",
            "get_deleted_success_response.json",
        ),
        (
            "/sobjects/Opportunity/updated?start=2026-01-01T00:00:00Z&end=2026-11-02T00:00:00Z",
            "get_updated_success_response.json",
        ),
    ],
)
def test_rest_answers(salesforce: requests.Session, server: ServerInfo, path: str, recording: str) -> None:
    real = recorded(f"salesforce_responses/sobject/{recording}")
    if isinstance(real, dict) and real.get("records"):
        real["records"][0].pop("Text_Label", None)
    assert missing(real, salesforce.get(f"{server.base_url}{V}{path}").json()) == set()


def test_token_answers(server: ServerInfo) -> None:
    session, url = trusting_session(server), f"{server.base_url}/services/oauth2/token"
    ours = session.post(url, data=CLIENT_CREDENTIALS).json()
    assert missing(recorded("salesforce_responses/auth_success_response.json"), ours) == set()
    refused = session.post(url, data=CLIENT_CREDENTIALS | {"client_secret": "no"}).json()
    assert refused.keys() == recorded("salesforce_responses/auth_error_response.json").keys()


@pytest.mark.parametrize(
    ("path", "recording"),
    [
        ("/crm/v3/properties/deals", "metadata-deals-properties-sampled.json"),
        ("/crm/v3/pipelines/deals", "metadata-deals-external-pipelines.json"),
        ("/account-info/v3/details", "post-auth/account-info.json"),
        ("/crm/v3/objects/butterflies", "search/error-invalid-object.json"),
        ("/crm/v3/objects/contacts?limit=1", "read/objects-api/contacts-response.json"),
    ],
)
def test_hubspot_answers(hubspot: requests.Session, server: ServerInfo, path: str, recording: str) -> None:
    real, ours = recorded(f"hubspot_responses/{recording}"), hubspot.get(server.base_url + path).json()
    assert missing(real, ours) == set()


def test_hubspot_batches(hubspot: requests.Session, server: ServerInfo) -> None:
    url = f"{server.base_url}/crm/v4/associations/deals/contacts/batch/read"
    ours = hubspot.post(url, json={"inputs": [{"id": "9000000000"}, {"id": "1"}]}).json()
    assert missing(recorded("hubspot_responses/search/contacts/contacts-to-companies.json"), ours) == set()
    found = hubspot.post(f"{server.base_url}{DEAL}/search", json={"limit": 1}).json()
    real = recorded("hubspot_responses/search/contacts/1-first-page.json")
    real["results"][0]["properties"] = {}
    assert missing(real, found) == set()
