"""What happens when HubSpot is busy, broken, strange or refuses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import requests
from urllib3 import HTTPConnectionPool
from urllib3.exceptions import MaxRetryError, NewConnectionError

from connectors.errors import (
    BudgetReached,
    CredentialsFailure,
    SettingsFailure,
    SourceFailure,
    TransientSourceFailure,
)  # fmt: skip
from tests.connectors.hubspot.fake_account import (
    NOW,
    Answer,
    FakeAccount,
    FakeTime,
    Script,
    connect,
    read_all,
    rows_of,
)  # fmt: skip

BUSY = {"status": "error", "message": "You have reached your ten_secondly_rolling limit.", "errorType": "RATE_LIMIT",
        "policyName": "TEN_SECONDLY_ROLLING"}  # fmt: skip
DAILY = BUSY | {"message": "You have reached your daily limit.", "policyName": "DAILY"}
SECONDLY = {"status": "error", "message": "You have reached your secondly limit.", "errorType": "RATE_LIMIT"}


@pytest.fixture
def account() -> FakeAccount:
    account = FakeAccount()
    deals = account.object("deals", dealname="string")
    for number in range(1, 301):
        deals.add(number, dealname=str(number))
    return account


def every(nth: int, trouble: Callable[[], Answer | Exception]) -> Script:
    count = 0

    def script(method: str, path: str) -> Any:
        nonlocal count
        count += 1
        return trouble() if count % nth == 0 else None

    return script


TROUBLES: dict[str, Callable[[], Answer | Exception]] = {
    "429": lambda: (429, BUSY, {}),
    "429 with a wait": lambda: (429, BUSY, {"Retry-After": "3"}),
    "secondly": lambda: (429, SECONDLY, {}),
    "502 html": lambda: (502, b"<html>bad gateway</html>", {}),
    "dropped": lambda: requests.ConnectionError("reset"),
    "cut off": lambda: (200, b'{"results": [{"id": "1", "prop', {}),
    "timeout": lambda: requests.ReadTimeout("slow"),
    "empty": lambda: (200, b"", {}),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_no_trouble_costs_or_doubles_a_record(account, trouble):
    connector = connect(account)
    connector.check()
    account.script = every(3, TROUBLES[trouble])
    rows = rows_of(read_all(connector, "deals"), "deals")
    assert [int(r["id"]) for r in rows] == list(range(1, 301))


def test_retry_after_is_obeyed(account):
    time = FakeTime()
    connector = connect(account, time)
    account.script = every(2, lambda: (429, BUSY, {"Retry-After": "7"}) if len(account.calls) == 2 else None)
    connector.check()
    connector.check()
    assert 7 <= time.slept < 8


def test_patience_ends_with_a_failure_that_can_be_repeated(account):
    connector = connect(account)
    account.script = lambda method, path: (503, b"", {})
    with pytest.raises(TransientSourceFailure, match="status 503") as failure:
        connector.check()
    assert failure.value.exit_code == 12 and connector.api_calls == 8


def test_a_used_up_day_stops_at_once(account):
    connector = connect(account)
    account.script = lambda method, path: (429, DAILY, {})
    with pytest.raises(BudgetReached):
        connector.check()
    assert connector.api_calls == 1


def test_a_wrong_token_says_where_to_get_a_right_one(account):
    connector = connect(account, secrets={"access_token": "wrong-token"})
    with pytest.raises(CredentialsFailure) as failure:
        connector.check()
    assert failure.value.exit_code == 11
    assert "Service keys" in str(failure.value) and "wrong-token" not in str(failure.value)


def test_an_unreachable_host_is_named_with_its_setting(account):
    connector = connect(account, base_url="https://crm.invalid")
    nobody = MaxRetryError(HTTPConnectionPool("crm.invalid"), "/", NewConnectionError(None, "no such host"))  # type: ignore[arg-type]
    account.script = lambda method, path: requests.ConnectionError(nobody)
    with pytest.raises(SourceFailure) as failure:
        connector.check()
    assert "crm.invalid" in str(failure.value) and "base_url" in str(failure.value)
    assert not failure.value.is_retryable and connector.api_calls == 2


def test_a_token_endpoint_that_stumbles_is_asked_again(account):
    secrets = {"client_id": "app", "client_secret": "s", "refresh_token": "r"}
    connector = connect(account, secrets=secrets)
    account.script = every(2, lambda: (502, b"", {}))
    for _ in range(4):
        connector.check()


def test_a_connection_reset_at_the_first_call_is_not_an_unreachable_host(account):
    connector = connect(account)
    account.script = lambda method, path: requests.ConnectionError("reset") if len(account.calls) < 4 else None
    assert connector.check()


def test_a_refused_certificate_names_ca_bundle(account):
    connector = connect(account)
    account.script = lambda method, path: requests.exceptions.SSLError("self-signed")
    with pytest.raises(SourceFailure, match="ca_bundle"):
        connector.check()


def test_oauth_gets_a_token_and_renews_a_refused_one(account):
    secrets = {"client_id": "app", "client_secret": "s", "refresh_token": "r"}
    connector = connect(account, secrets=secrets)
    connector.check()
    account.tokens = set()
    connector.check()
    assert account.calls.count("POST /oauth/2026-03/token") == 2


def test_without_credentials_nothing_is_sent(account):
    with pytest.raises(CredentialsFailure):
        connect(account, secrets={"client_id": "app"})


@pytest.mark.parametrize(
    "bad", [{"base_url": "api.hubapi.com"}, {"api_version": "5"}, {"rate_limit": 2}, {"ca_bundle": "/no.pem"}]
)
def test_bad_settings_are_refused(account, bad):
    with pytest.raises(SettingsFailure) as failure:
        connect(account, **bad)
    assert failure.value.exit_code == 10 and next(iter(bad)) in str(failure.value)


def test_clock_is_the_servers(account):
    assert connect(account).clock() == NOW
    assert connect(account).clock() - NOW == timedelta(0)
