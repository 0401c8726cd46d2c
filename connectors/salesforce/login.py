"""Getting an access token: OAuth client credentials, JWT bearer, refresh token, or user name and password."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import jwt
import requests
from simple_salesforce import SalesforceLogin
from simple_salesforce.exceptions import SalesforceAuthenticationFailed

from connectors.errors import CredentialsFailure, ExpectedFailure, SettingsFailure, WholeSourceFailure
from connectors.landing_files import sync_folder
from connectors.salesforce.failures import error_of, failure_of, is_busy
from connectors.salesforce.settings import SalesforceSettings

LAST_SOAP_VERSION = 64.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, repr=False)
class Token:
    """An access token and the address of the org it opens; never printed."""

    access_token: str
    instance_url: str


def log_in(http: requests.Session, settings: SalesforceSettings, secrets: Mapping[str, str]) -> Token:
    """A fresh token; CredentialsFailure when Salesforce refuses, SourceFailure when it cannot be reached."""
    if settings.auth == "password":
        log.warning(
            "soap_login_ends source_id=%s reason=%s",
            settings.source_id,
            "logging in by password is off in new orgs and retired in 2027; use jwt or client_credentials",
        )
        if not secrets.get("client_id"):
            return _by_soap(http, settings, secrets)
    grant = {
        "client_credentials": _client_credentials,
        "jwt": _jwt_bearer,
        "refresh_token": _refresh,
        "password": _password,
    }[settings.auth](settings, secrets)
    response = http.post(f"{settings.login_url}/services/oauth2/token", data=grant, allow_redirects=False)
    if response.status_code != 200:
        raise _refusal(response, settings)
    answer = response.json()
    if settings.auth == "refresh_token":
        _keep_rotated(answer.get("refresh_token"), grant["refresh_token"], settings)
    instance_url = settings.login_url if settings.is_own_address else answer["instance_url"]
    return Token(answer["access_token"], instance_url)


def _client_credentials(settings: SalesforceSettings, secrets: Mapping[str, str]) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_id": secrets["client_id"],
        "client_secret": secrets["client_secret"],
    }


def _jwt_bearer(settings: SalesforceSettings, secrets: Mapping[str, str]) -> dict[str, str]:
    claims = {
        "iss": secrets["client_id"],
        "sub": secrets["username"],
        "aud": settings.audience,
        "exp": int(time.time()) + 180,
    }
    try:
        assertion = jwt.encode(claims, secrets["private_key"].replace("\\n", "\n"), algorithm="RS256")
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise SettingsFailure(
            "The private key cannot sign: it is no RSA key in PEM form.",
            where=f"sources.{settings.source_id}, secret private_key",
            why=type(error).__name__,
            next_step="give the whole key, from -----BEGIN to -----END",
        ) from None
    return {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}


def _refresh(settings: SalesforceSettings, secrets: Mapping[str, str]) -> dict[str, str]:
    kept = Path(settings.refresh_token_file) if settings.refresh_token_file else None
    current = kept.read_text(encoding="utf-8").strip() if kept and kept.exists() else secrets["refresh_token"]
    grant = {"grant_type": "refresh_token", "client_id": secrets["client_id"], "refresh_token": current}
    if secrets.get("client_secret"):
        grant["client_secret"] = secrets["client_secret"]
    return grant


def _password(settings: SalesforceSettings, secrets: Mapping[str, str]) -> dict[str, str]:
    return {
        "grant_type": "password",
        "client_id": secrets["client_id"],
        "client_secret": secrets.get("client_secret", ""),
        "username": secrets["username"],
        "password": secrets["password"] + secrets.get("security_token", ""),
    }


def _keep_rotated(new: str | None, used: str, settings: SalesforceSettings) -> None:
    """Keep a refresh token that replaces the one just used, before the session is: the old one is dead."""
    if not new or new == used:
        return
    if settings.refresh_token_file is None:
        log.warning(
            "refresh_token_rotated source_id=%s next=%s",
            settings.source_id,
            "set refresh_token_file, or the next run cannot log in",
        )
        return
    path = Path(settings.refresh_token_file)
    temporary = path.with_name(f".{path.name}.tmp")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
        opened.write(new)
        opened.flush()
        os.fsync(opened.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def _by_soap(http: requests.Session, settings: SalesforceSettings, secrets: Mapping[str, str]) -> Token:
    host = urlsplit(settings.login_url).hostname or ""
    if not host.endswith(".salesforce.com"):
        raise SettingsFailure(
            "Logging in by password at an own instance_url needs a client_id.",
            where=f"sources.{settings.source_id}",
            next_step="set the secrets client_id and client_secret, or use domain",
        )
    try:
        session_id, instance = SalesforceLogin(
            username=secrets["username"],
            password=secrets["password"],
            security_token=secrets.get("security_token", ""),
            domain=host.removesuffix(".salesforce.com"),
            sf_version=str(min(float(settings.api_version), LAST_SOAP_VERSION)),
            session=http,
        )
    except SalesforceAuthenticationFailed as error:
        raise _credentials_refused(settings, str(error.code)) from None
    return Token(session_id, f"https://{instance}")


def _refusal(response: requests.Response, settings: SalesforceSettings) -> ExpectedFailure:
    code, message = error_of(response)
    if is_busy(response):
        return failure_of(response, settings.source_id, "logging in")
    if response.status_code in (400, 401, 403):
        return _credentials_refused(settings, f"{code}: {message}" if message else code)
    return WholeSourceFailure(
        f"{urlsplit(settings.login_url).netloc} gives out no tokens (status {response.status_code}).",
        where=settings.source_id,
        next_step=f"check {settings.address_setting}; it must be the address of a Salesforce org",
    )


def _credentials_refused(settings: SalesforceSettings, reason: str) -> CredentialsFailure:
    cures = {
        "client_credentials": "check client_id and client_secret, and that the connected app has a run-as user",
        "jwt": "check client_id, username and that the app holds the certificate and pre-authorises the user",
        "refresh_token": "authorise the app again and store the new refresh token",
        "password": "check username, password and security_token, or better: use jwt or client_credentials",
    }
    return CredentialsFailure(
        "Salesforce refused the log-in.",
        where=settings.source_id,
        why=f"It said {reason}.",
        saved="Nothing was read.",
        next_step=f"{cures[settings.auth]}; then run  crmlift doctor",
    )
