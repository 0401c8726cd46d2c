"""The settings of one Salesforce source, checked before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from connectors.errors import CredentialsFailure, SettingsFailure

AUTHS: Mapping[str, tuple[str, ...]] = {
    "client_credentials": ("client_id", "client_secret"),
    "jwt": ("client_id", "private_key", "username"),
    "refresh_token": ("client_id", "refresh_token"),
    "password": ("username", "password"),
}
"""Way to log in → the secrets it needs."""


@dataclass(frozen=True)
class SalesforceSettings:
    """Where the org is, how to log in, what to read and how much of its limits to use.

    login_url: where tokens are given out. include, exclude: patterns of object names. field_include, field_exclude:
    patterns of `Field` or `Object.Field`. formula_refresh_days: how often objects with formulas are read whole, for
    formulas move without a stamp; 0: never. bulk_threshold_rows: more rows than this go through Bulk API 2.0.
    api_budget_share: the share of the org's daily requests beyond which we stop, whoever used them.
    refresh_token_file: where a rotated refresh token is kept.
    """

    source_id: str
    login_url: str
    auth: str
    api_version: str = "62.0"
    is_own_address: bool = False
    ca_bundle: str | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    field_include: tuple[str, ...] = ()
    field_exclude: tuple[str, ...] = ()
    formula_refresh_days: int = 7
    bulk_threshold_rows: int = 2000
    api_budget_share: float = 0.5
    refresh_token_file: str | None = None

    @classmethod
    def of(cls, source_id: str, given: Mapping[str, Any], secrets: Mapping[str, str]) -> SalesforceSettings:
        """Settings from the source's section. Raises SettingsFailure; CredentialsFailure for missing secrets."""
        auth = given.get("auth") or "client_credentials"
        if auth not in AUTHS:
            raise _refused(source_id, "auth", f"{auth!r} is no way to log in.", f"one of: {', '.join(AUTHS)}")
        missing = [name for name in AUTHS[auth] if not secrets.get(name)]
        if missing:
            raise CredentialsFailure(
                f"Logging in to {source_id} by {auth} needs secrets that are not set.",
                where=f"sources.{source_id}",
                why=f"Missing: {', '.join(missing)}.",
                next_step="set them in the environment or in the Airflow connection, then run  crmlift doctor",
            )
        version = str(given.get("api_version") or "62.0").removeprefix("v")
        if not re.fullmatch(r"\d{2,3}\.0", version):
            raise _refused(source_id, "api_version", f"{version!r} is no API version.", "such as 62.0")
        ca_bundle = given.get("ca_bundle")
        if ca_bundle and not Path(ca_bundle).exists():
            raise _refused(source_id, "ca_bundle", f"There is no file {ca_bundle}.", "the path of a PEM file")
        return cls(
            source_id=source_id,
            login_url=_login_url(source_id, given, auth),
            auth=auth,
            api_version=version,
            is_own_address=bool(given.get("instance_url")),
            ca_bundle=str(ca_bundle) if ca_bundle else None,
            include=tuple(given.get("include") or ()),
            exclude=tuple(given.get("exclude") or ()),
            field_include=tuple(given.get("field_include") or ()),
            formula_refresh_days=int(given.get("formula_refresh_days", 7)),
            field_exclude=tuple(given.get("field_exclude") or ()),
            bulk_threshold_rows=int(given.get("bulk_threshold_rows", 2000)),
            api_budget_share=float(given.get("api_budget_share", 0.5)),
            refresh_token_file=given.get("refresh_token_file"),
        )

    @property
    def address_setting(self) -> str:
        """The setting that holds the address, for messages."""
        return f"sources.{self.source_id}.{'instance_url' if self.is_own_address else 'domain'}"

    @property
    def audience(self) -> str:
        """Who a JWT is meant for: Salesforce's production or sandbox log-in, whatever the host."""
        is_sandbox = "//test." in self.login_url or ".sandbox." in self.login_url
        return "https://test.salesforce.com" if is_sandbox else "https://login.salesforce.com"


def _login_url(source_id: str, given: Mapping[str, Any], auth: str) -> str:
    instance_url = str(given.get("instance_url") or "").rstrip("/")
    if instance_url:
        if urlsplit(instance_url).scheme != "https" or not urlsplit(instance_url).hostname:
            raise _refused(source_id, "instance_url", f"{instance_url} is no https address.", "https://<host>[:port]")
        return instance_url
    domain = str(given.get("domain") or "login").removeprefix("https://").rstrip("/")
    if domain in ("login", "test"):
        if auth == "client_credentials":
            raise _refused(
                source_id,
                "domain",
                f"{domain}.salesforce.com does not take client credentials.",
                "your My Domain host, such as acme.my.salesforce.com",
            )
        return f"https://{domain}.salesforce.com"
    if "." in domain:
        return f"https://{domain}"
    return f"https://{domain}{'.sandbox' if '--' in domain else ''}.my.salesforce.com"


def _refused(source_id: str, key: str, what: str, allowed: str) -> SettingsFailure:
    return SettingsFailure(what, where=f"sources.{source_id}.{key}", next_step=f"set {key} to {allowed}")
