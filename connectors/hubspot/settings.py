"""A HubSpot source's settings and secrets, checked once at the door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from connectors.errors import CredentialsFailure, SettingsFailure
from connectors.hubspot.objects import DEFAULT_ASSOCIATIONS, DEFAULT_HISTORY, EXCLUDED_PROPERTIES, NEEDED_PROPERTIES
from connectors.hubspot.paths import NEWEST_VERSION, ApiPaths

DEFAULT_BASE_URL = "https://api.hubapi.com"


@dataclass(frozen=True)
class HubspotSource:
    """The settings of one account.

    include: further object types to read; exclude: patterns of object types not to read. property_exclude:
    patterns `object.property` or `property`; one starting with `!` brings a default exclusion back.
    rate_limit: the share of the account's allowance that may be used. reconcile: name every existing id after
    each read, so that hard deletes are seen. association_refresh_days: in how many days the links of all records are
    read again, for they change without a stamp; 0: never. Whoever chooses a window applies the overlap of two of them.
    """

    base_url: str = DEFAULT_BASE_URL
    ca_bundle: str | None = None
    paths: ApiPaths = field(default_factory=ApiPaths)
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    property_exclude: tuple[str, ...] = ()
    history: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: DEFAULT_HISTORY)
    associations: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: DEFAULT_ASSOCIATIONS)
    named_pairs: frozenset[tuple[str, str]] = frozenset()
    rate_limit: float = 1.0
    reconcile: bool = False
    association_refresh_days: int = 7

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> HubspotSource:
        """From a section of the settings file. Raises SettingsFailure."""
        base_url = str(settings.get("base_url") or DEFAULT_BASE_URL).rstrip("/")
        if urlsplit(base_url).scheme not in {"https", "http"} or not urlsplit(base_url).netloc:
            raise SettingsFailure(
                f"{base_url!r} is not an address.",
                where="base_url",
                next_step=f"set it to {DEFAULT_BASE_URL}",
            )
        share = float(settings.get("rate_limit", 1.0))
        if not 0 < share <= 1:
            raise SettingsFailure(
                "rate_limit is a share of the allowance.",
                where="rate_limit",
                next_step="set it between 0 and 1",
            )
        ca_bundle = settings.get("ca_bundle") or None
        if ca_bundle and not Path(ca_bundle).is_file():
            raise SettingsFailure(
                "The certificate file cannot be read.",
                where=f"ca_bundle {ca_bundle}",
                next_step="set ca_bundle to a PEM file that exists, or leave it out",
            )
        named = _per_object(settings.get("associations"))
        return cls(
            base_url=base_url,
            ca_bundle=ca_bundle,
            paths=ApiPaths(str(settings.get("api_version") or NEWEST_VERSION)),
            include=tuple(settings.get("include") or ()),
            exclude=tuple(settings.get("exclude") or ()),
            property_exclude=tuple(settings.get("property_exclude") or ()),
            history={**DEFAULT_HISTORY, **_per_object(settings.get("history_properties"))},
            associations={**DEFAULT_ASSOCIATIONS, **named},
            named_pairs=frozenset((one, other) for one, others in named.items() for other in others),
            rate_limit=share,
            reconcile=bool(settings.get("reconcile", False)),
            association_refresh_days=int(settings.get("association_refresh_days", 7)),
        )

    def is_excluded(self, stream: str) -> bool:
        """Whether the user does not want this stream."""
        return any(fnmatchcase(stream, pattern) for pattern in self.exclude)

    def is_property_read(self, stream: str, name: str) -> bool:
        """Whether a property of a stream is asked for; those the connector needs always are."""
        if name in NEEDED_PROPERTIES:
            return True
        allowed = [p[1:] for p in self.property_exclude if p.startswith("!")]
        if _matches(stream, name, [p for p in self.property_exclude if not p.startswith("!")]):
            return False
        return _matches(stream, name, allowed) or not _matches(stream, name, EXCLUDED_PROPERTIES)


@dataclass(frozen=True)
class HubspotSecrets:
    """Either a service key (or private-app token), or an OAuth app with a refresh token."""

    access_token: str = field(default="", repr=False)
    client_id: str = field(default="", repr=False)
    client_secret: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)

    @classmethod
    def from_secrets(cls, secrets: Mapping[str, str]) -> HubspotSecrets:
        """From named secrets. Raises CredentialsFailure when neither kind is complete."""
        found = cls(**{name: secrets.get(name) or "" for name in cls.__dataclass_fields__})
        if not found.access_token and not found.is_oauth:
            raise CredentialsFailure(
                "No credentials for HubSpot.",
                why="Neither an access token nor an OAuth app with a refresh token was given.",
                next_step="create a service key in HubSpot (Settings > Integrations), give it as "
                "access_token, or give client_id, client_secret and refresh_token",
            )
        return found

    @property
    def is_oauth(self) -> bool:
        """Whether the OAuth triple is complete."""
        return bool(self.client_id and self.client_secret and self.refresh_token)


def _per_object(given: Any) -> dict[str, tuple[str, ...]]:
    return {name: tuple(values) for name, values in (given or {}).items()}


def _matches(stream: str, name: str, patterns: tuple[str, ...] | list[str]) -> bool:
    return any(fnmatchcase(f"{stream}.{name}" if "." in p else name, p) for p in patterns)
