"""Logging in: every way, what refusals say, and what they never say."""

from __future__ import annotations

import logging
import socket
import stat
from collections.abc import Mapping
from pathlib import Path
from unittest.mock import Mock

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connectors.errors import CredentialsFailure, ExpectedFailure, SettingsFailure, SourceFailure
from connectors.salesforce.failures import QueryRefused
from crmlift.simulator.options import (
    SF_CLIENT_ID,
    SF_PASSWORD,
    SF_REFRESH_TOKEN,
    SF_SECURITY_TOKEN,
    SF_USERNAME,
    ServerOptions,
)
from crmlift.simulator.server import ServerInfo, running_simulator
from tests.connectors.salesforce.orgs import SECRETS, connect
from tests.crmlift.simulator.small_company import small_company

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
PUBLIC = (
    KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
)
JWT = {"client_id": SF_CLIENT_ID, "private_key": PRIVATE, "username": SF_USERNAME}
PASSWORD = {**SECRETS, "username": SF_USERNAME, "password": SF_PASSWORD, "security_token": SF_SECURITY_TOKEN}


def test_client_credentials(server: ServerInfo) -> None:
    assert connect(server).check().startswith(f"Salesforce at {server.host}, API v62.0")


def test_a_signed_assertion() -> None:
    with running_simulator(small_company(), ServerOptions(jwt_public_key=PUBLIC)) as server:
        assert connect(server, JWT, auth="jwt").check()
        escaped = {**JWT, "private_key": PRIVATE.replace("\n", "\\n")}
        assert connect(server, escaped, auth="jwt").check()


def test_a_rotated_refresh_token_is_kept_for_the_next_run(tmp_path: Path) -> None:
    kept = tmp_path / "refresh-token"
    secrets = {**SECRETS, "refresh_token": SF_REFRESH_TOKEN}
    with running_simulator(small_company()) as server:
        for _ in range(3):
            connect(server, secrets, auth="refresh_token", refresh_token_file=str(kept)).check()
            assert kept.read_text() != SF_REFRESH_TOKEN
            assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_password_logs_in_with_a_warning(server: ServerInfo, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert connect(server, PASSWORD, auth="password").check()
    assert "retired in 2027" in caplog.text


@pytest.mark.parametrize(
    ("auth", "secrets"),
    [
        ("client_credentials", {**SECRETS, "client_secret": "wrong-Secret"}),
        ("client_credentials", {**SECRETS, "client_id": "wrong-Id"}),
        ("jwt", {**JWT, "username": "somebody@else.example"}),
        ("refresh_token", {**SECRETS, "refresh_token": "wrong-Refresh"}),
        ("password", {**PASSWORD, "password": "wrong-Password"}),
    ],
)
def test_wrong_credentials_are_refused_with_a_cure_and_without_the_secret(
    server: ServerInfo, caplog: pytest.LogCaptureFixture, auth: str, secrets: Mapping[str, str]
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(CredentialsFailure) as caught:
        connect(server, secrets, auth=auth).check()
    assert caught.value.exit_code == 11
    assert "crmlift doctor" in caught.value.next_step
    told = f"{caught.value}{caught.value.__cause__!r}{caplog.text}"
    assert not [name for name, value in secrets.items() if name != "username" and value in told]


def test_an_unreachable_host_is_named_with_its_setting() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    closed = ServerInfo(f"https://127.0.0.1:{port}", port, None, None)  # type: ignore[arg-type]
    with pytest.raises(SourceFailure, match=rf"127\.0\.0\.1:{port} cannot be reached") as caught:
        connect(closed, ca_bundle=None).check()
    assert caught.value.exit_code == 12
    assert "sources.sf.instance_url" in caught.value.next_step


def test_a_certificate_nobody_vouches_for_is_refused(server: ServerInfo) -> None:
    with pytest.raises(SourceFailure, match="did not prove its identity") as caught:
        connect(server, ca_bundle=None).check()
    assert "ca_bundle" in caught.value.next_step


def test_a_version_the_org_does_not_speak_is_a_setting_to_mend(
    server: ServerInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = QueryRefused("There is no such resource.")
    refusal.code = "NOT_FOUND"
    connector = connect(server, api_version="99.0")
    monkeypatch.setattr(connector._client, "limits", Mock(side_effect=refusal), raising=False)
    with pytest.raises(SettingsFailure, match=r"version 99\.0"):
        connector.check()


def test_a_broken_key_is_a_setting_to_mend(server: ServerInfo) -> None:
    with pytest.raises(SettingsFailure, match="cannot sign") as caught:
        connect(server, {**JWT, "private_key": "-----BEGIN NOTHING-----"}, auth="jwt").check()
    assert "NOTHING" not in str(caught.value)


def test_a_session_refused_for_good_ends_as_credentials(server: ServerInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    connector = connect(server)
    connector.check()
    monkeypatch.setattr(type(connector._client), "_renew", lambda self, expired: None)
    connector._client.session_id = "expired"
    with pytest.raises(ExpectedFailure) as caught:
        connector.streams()
    assert isinstance(caught.value, CredentialsFailure)
