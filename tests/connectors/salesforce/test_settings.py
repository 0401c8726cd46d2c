"""Settings of a Salesforce source: addresses, ways to log in, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.errors import CredentialsFailure, SettingsFailure
from connectors.salesforce.settings import SalesforceSettings

CREDENTIALS = {"client_id": "i", "client_secret": "s"}
REFRESH = {"client_id": "i", "refresh_token": "r"}


@pytest.mark.parametrize(
    ("domain", "address", "audience"),
    [
        ("login", "https://login.salesforce.com", "https://login.salesforce.com"),
        ("test", "https://test.salesforce.com", "https://test.salesforce.com"),
        ("acme", "https://acme.my.salesforce.com", "https://login.salesforce.com"),
        ("acme--uat", "https://acme--uat.sandbox.my.salesforce.com", "https://test.salesforce.com"),
        ("acme.my.salesforce.com", "https://acme.my.salesforce.com", "https://login.salesforce.com"),
        ("https://acme.my.salesforce.com/", "https://acme.my.salesforce.com", "https://login.salesforce.com"),
    ],
)
def test_domains_become_addresses(domain: str, address: str, audience: str) -> None:
    settings = SalesforceSettings.of("sf", {"auth": "refresh_token", "domain": domain}, REFRESH)
    assert (settings.login_url, settings.audience) == (address, audience)


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"auth": "magic"}, "auth"),
        ({"domain": "login"}, "domain"),
        ({"instance_url": "http://127.0.0.1:8080"}, "instance_url"),
        ({"domain": "acme", "api_version": "latest"}, "api_version"),
        ({"domain": "acme", "ca_bundle": "/nowhere/ca.pem"}, "ca_bundle"),
    ],
)
def test_what_cannot_work_is_refused_by_its_key(given: dict[str, Any], key: str) -> None:
    with pytest.raises(SettingsFailure) as caught:
        SalesforceSettings.of("sf", given, CREDENTIALS)
    assert caught.value.where == f"sources.sf.{key}"
    assert caught.value.exit_code == 10


def test_missing_secrets_are_named() -> None:
    with pytest.raises(CredentialsFailure, match="Missing: private_key, username"):
        SalesforceSettings.of("sf", {"auth": "jwt", "domain": "acme"}, {"client_id": "i"})
