"""Salesforce's way of saying no."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from crmlift.simulator.responses import json_response


class SalesforceError(Exception):
    """An answer `[{errorCode, message}]` with its HTTP status."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message

    def response(self) -> Response:
        """The body REST and Bulk 2.0 answer with."""
        return json_response([{"message": self.message, "errorCode": self.code}], self.status)


class OAuthError(Exception):
    """An answer `{error, error_description}` of the token endpoint."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error, self.description, self.status = error, description, status


def invalid_session() -> SalesforceError:
    """The 401 of a missing, wrong or expired session."""
    return SalesforceError(401, "INVALID_SESSION_ID", "Session expired or invalid")


def not_found() -> SalesforceError:
    """The 404 of an unknown resource."""
    return SalesforceError(404, "NOT_FOUND", "The requested resource does not exist")


def too_complicated() -> SalesforceError:
    """The 400 of an object with more formulas than a query may have."""
    message = "Query is either selecting too many fields or the filter conditions are too complicated."
    return SalesforceError(400, "QUERY_TOO_COMPLICATED", message)


async def on_salesforce_error(request: Request, error: Exception) -> Response:
    """Starlette's handler for `SalesforceError`."""
    assert isinstance(error, SalesforceError)
    return error.response()


async def on_oauth_error(request: Request, error: Exception) -> Response:
    """Starlette's handler for `OAuthError`."""
    assert isinstance(error, OAuthError)
    return json_response({"error": error.error, "error_description": error.description}, error.status)
