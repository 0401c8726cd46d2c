"""Every address of the API, by version: the one place to edit when HubSpot names a new one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from connectors.errors import SettingsFailure

NEWEST_VERSION = "2026-03"
LEGACY_VERSIONS = ("v3", "v4")


@dataclass(frozen=True)
class ApiPaths:
    """Paths of one version: `v3` (with associations of v4; `v4` means the same) or a dated one, `2026-03`."""

    version: str = NEWEST_VERSION

    def __post_init__(self) -> None:
        if self.version not in LEGACY_VERSIONS and not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", self.version):
            raise SettingsFailure(
                f"{self.version!r} is not a version of the HubSpot API.",
                where="api_version",
                next_step=f"set it to '{NEWEST_VERSION}' (or leave it out), another dated version, or 'v3'",
            )

    @property
    def _is_legacy(self) -> bool:
        return self.version in LEGACY_VERSIONS

    def objects(self, object_type: str) -> str:
        """List of records."""
        start = "/crm/v3/objects" if self._is_legacy else f"/crm/objects/{self.version}"
        return f"{start}/{object_type}"

    def search(self, object_type: str) -> str:
        """Search of records."""
        return f"{self.objects(object_type)}/search"

    def batch_read(self, object_type: str) -> str:
        """Records by id, properties in the body."""
        return f"{self.objects(object_type)}/batch/read"

    def associations(self, from_type: str, to_type: str) -> str:
        """Labelled links of many records."""
        start = "/crm/v4/associations" if self._is_legacy else f"/crm/associations/{self.version}"
        return f"{start}/{from_type}/{to_type}/batch/read"

    def properties(self, object_type: str) -> str:
        """Property definitions of an object type."""
        start = "/crm/v3/properties" if self._is_legacy else f"/crm/properties/{self.version}"
        return f"{start}/{object_type}"

    def pipelines(self, object_type: str) -> str:
        """Pipelines and their stages."""
        start = "/crm/v3/pipelines" if self._is_legacy else f"/crm/pipelines/{self.version}"
        return f"{start}/{object_type}"

    @property
    def owners(self) -> str:
        """People who can own records."""
        return "/crm/v3/owners" if self._is_legacy else f"/crm/owners/{self.version}"

    @property
    def custom_schemas(self) -> str:
        """Definitions of the custom objects."""
        return "/crm/v3/schemas" if self._is_legacy else f"/crm-object-schemas/{self.version}/schemas"

    def pipeline_audit(self, object_type: str, pipeline_id: str) -> str:
        """Everything that was done to a pipeline, newest first."""
        return f"{self.pipelines(object_type)}/{pipeline_id}/audit"

    @property
    def teams(self) -> str:
        """Teams and who is in them."""
        return "/settings/v3/users/teams" if self._is_legacy else f"/settings/users/{self.version}/teams"

    @property
    def exchange_rates(self) -> str:
        """Rates from the additional currencies to the account's own."""
        start = "/settings/v3/currencies" if self._is_legacy else f"/settings/currencies/{self.version}"
        return f"{start}/exchange-rates"

    @property
    def account_details(self) -> str:
        """Account id, time zone, currency."""
        return f"/account-info/{'v3' if self._is_legacy else self.version}/details"

    @property
    def login_activity(self) -> str:
        """Log-ins of the last 90 days."""
        return f"/account-info/{'v3' if self._is_legacy else self.version}/activity/login"

    @property
    def token(self) -> str:
        """The OAuth token endpoint."""
        return f"/oauth/{'v1' if self._is_legacy else self.version}/token"
