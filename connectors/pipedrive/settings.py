"""The section of a Pipedrive source in `crmlift.yml`."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from pydantic import BaseModel, Field, field_validator

DEFAULT_BASE_URL = "https://api.pipedrive.com"
DEFAULT_CUSTOM = {"deals": {"deal_type": "Deal type", "lead_source": "Lead source", "next_step": "Next step"}}


class PipedriveSettings(BaseModel):
    """An account. custom_fields: stream → column → label or key of the custom field that is to stand in that column."""

    base_url: str = Field(DEFAULT_BASE_URL, pattern="^https?://[^/]+$", description="https://<company>.pipedrive.com")
    ca_bundle: str | None = Field(None, description="certificate file to trust besides the system's")
    exclude: tuple[str, ...] = Field((), description="streams not to read, as patterns")
    history: bool = Field(True, description="read the changes of each deal that changed: a request a deal")
    reconcile_days: int = Field(7, ge=0, description="list every existing id this often, to see what is gone; 0: never")
    custom_fields: dict[str, dict[str, str]] = Field(default_factory=dict)
    token_url: str = Field("https://oauth.pipedrive.com/oauth/token", description="where OAuth apps renew their token")

    @field_validator("base_url", mode="before")
    @classmethod
    def _plain(cls, value: object) -> object:
        return value.rstrip("/") if isinstance(value, str) else value

    def is_excluded(self, stream: str) -> bool:
        """Whether the user does not want this stream."""
        return any(fnmatchcase(stream, pattern) for pattern in self.exclude)

    def column_of(self, stream: str, key: str, label: str) -> str:
        """The column of a custom field: the name it was given, else its key."""
        given = {**self.custom_fields.get(stream, {})}
        given |= {column: wanted for column, wanted in DEFAULT_CUSTOM.get(stream, {}).items() if column not in given}
        named: Iterable[str] = (c for c, wanted in given.items() if wanted.lower() in {key.lower(), label.lower()})
        return next(iter(named), key)
