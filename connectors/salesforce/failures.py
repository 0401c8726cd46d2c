"""What Salesforce's error answers mean, as failures with a cure."""

from __future__ import annotations

import re
from typing import Any

import requests

from connectors.errors import CredentialsFailure, ExpectedFailure, SourceFailure, TransientSourceFailure
from connectors.http import BUSY_STATUSES

LATER_CODES = frozenset(
    {
        "REQUEST_LIMIT_EXCEEDED",
        "UNABLE_TO_LOCK_ROW",
        "QUERY_TIMEOUT",
        "SERVER_UNAVAILABLE",
        "SERVICE_UNAVAILABLE",
        "UNKNOWN_EXCEPTION",
    }
)
LIMIT_CODES = frozenset({"REQUEST_LIMIT_EXCEEDED", "EXCEEDED_QUOTA"})
LOGIN_CODES = frozenset({"INVALID_SESSION_ID", "INVALID_AUTH_HEADER", "API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED"})
ACCESS_CODES = frozenset({"INSUFFICIENT_ACCESS", "INSUFFICIENT_ACCESS_OR_READONLY"})
"""Said of one object; who we are was accepted."""
_NO_COLUMN = re.compile(r"No such column '(\w+)'")
RESUME = "run the same command again: it goes on where it was"


class QueryRefused(SourceFailure):
    """A query or job was refused with an error code that decides what to try instead.

    code: Salesforce's error code, such as INVALID_FIELD or INVALIDENTITY.
    """

    code = ""

    @property
    def column(self) -> str | None:
        """The field that cannot be queried though describe lists it, when it is that."""
        found = _NO_COLUMN.search(self.why)
        return found[1] if found else None


def error_of(response: requests.Response) -> tuple[str, str]:
    """Error code and message of an answer; the status and nothing when it is not Salesforce's JSON.

    A token endpoint answers `{error, error_description}`, everything else `[{errorCode, message}]`.
    """
    try:
        body: Any = response.json()
    except (ValueError, requests.RequestException):
        return f"HTTP {response.status_code}", ""
    first = body[0] if isinstance(body, list) and body else body
    if not isinstance(first, dict):
        return f"HTTP {response.status_code}", ""
    code = first.get("errorCode") or first.get("error") or f"HTTP {response.status_code}"
    message = first.get("message") or first.get("error_description") or ""
    return str(code), " ".join(str(message).split())[:300]


def is_busy(response: requests.Response) -> bool:
    """Whether a later try may succeed, by status or by error code."""
    if response.status_code < 400:
        return False
    return response.status_code in BUSY_STATUSES or error_of(response)[0] in LATER_CODES


def failure_of(response: requests.Response, source_id: str, doing: str) -> ExpectedFailure:
    """The failure an error answer stands for. doing: what was asked, such as "reading Opportunity"."""
    code, message = error_of(response)
    said = f"Salesforce said {code}{': ' + message.rstrip('.') if message else ''}."
    if code in LIMIT_CODES:
        return TransientSourceFailure(
            "A daily limit of the org is used up.",
            where=f"{source_id}, {doing}",
            why=said,
            saved="Pages landed before are kept.",
            next_step=f"wait until the limit is free again (24 hours roll on), then {RESUME}",
        )
    if response.status_code in BUSY_STATUSES or code in LATER_CODES:
        return TransientSourceFailure(
            "Salesforce is busy or out of order.",
            where=f"{source_id}, {doing}",
            why=said,
            saved="Pages landed before are kept.",
            next_step=RESUME,
        )
    if response.status_code == 401 or code in LOGIN_CODES:
        return CredentialsFailure(
            f"Salesforce refused the request ({response.status_code}).",
            where=f"{source_id}, {doing}",
            why=said,
            saved="Pages landed before are kept.",
            next_step="give the integration user API access, then run  crmlift doctor",
        )
    return query_refused(code, said, source_id, doing)


def query_refused(code: str, said: str, source_id: str, doing: str) -> QueryRefused:
    """The failure of one request, which says nothing about other objects."""
    is_hidden = code in ACCESS_CODES
    failure = QueryRefused(
        "Salesforce does not let the integration user read this." if is_hidden else "Salesforce refused a request.",
        where=f"{source_id}, {doing}",
        why=said,
        saved="Pages landed before are kept.",
        next_step="give the integration user the right to read the object, or leave it out with exclude"
        if is_hidden
        else "look at the cause; leave the object or field out with exclude or field_exclude if need be",
    )
    failure.code = code
    return failure
