"""HubSpot's way of saying no."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from crmlift.simulator.responses import json_response


class HubSpotError(Exception):
    """An answer `{status: error, message, correlationId, category, …}` with its HTTP status."""

    def __init__(
        self, status: int, message: str, category: str | None = None, extra: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.category, self.extra = status, message, category, dict(extra or {})

    def response(self, headers: Mapping[str, str] | None = None) -> Response:
        """The body."""
        body: dict[str, Any] = {
            "status": "error",
            "message": self.message,
            "correlationId": str(uuid.uuid4()),
        }
        if self.category:
            body["category"] = self.category
        return json_response(body | self.extra, self.status, headers)


def validation(message: str, **extra: Any) -> HubSpotError:
    """A 400 of category VALIDATION_ERROR."""
    return HubSpotError(400, message, "VALIDATION_ERROR", extra)


def resource_not_found() -> HubSpotError:
    """The 404 of an unknown record or address."""
    return HubSpotError(404, "resource not found")
