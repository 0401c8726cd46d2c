"""The answers faulty vendors give: their 5xx, their limits."""

from __future__ import annotations

import uuid

from starlette.responses import HTMLResponse, Response

from crmlift.simulator.responses import json_response

_LOG_INS = ("/services/oauth2", "/services/Soap", "/oauth")
_PROXY_PAGE = "<html><body><h1>502 Bad Gateway</h1></body></html>"


def possible_faults(path: str) -> frozenset[str]:
    """Which kinds of fault a request to this address can meet."""
    if path.startswith(_LOG_INS):
        return frozenset({"errors"})
    kinds = {"errors", "limits", "drops"}
    if path.startswith(("/services/", "/crm", "/properties", "/account-info", "/settings")):
        kinds.add("expired")
    if path.endswith("/results") or "/result/" in path:
        kinds.add("truncated")
    if path.endswith("/resultPages"):
        kinds.add("shuffled")
    return frozenset(kinds)


def fault_response(path: str, fault: str, choice: int) -> Response:
    """A 500, 502 or 503 (errors), or the vendor's refusal of a caller in a hurry (limits)."""
    is_salesforce = path.startswith("/services/")
    if fault == "limits":
        if path.startswith(("/v1/", "/api/v2/")):
            return json_response({"success": False, "error": "request over limit"}, 429, {"X-RateLimit-Remaining": "0"})
        return _salesforce_limit() if is_salesforce else _hubspot_limit()
    if choice == 1:
        return HTMLResponse(_PROXY_PAGE, 502)
    status = 500 if choice == 0 else 503
    if is_salesforce:
        code, message = (
            ("UNKNOWN_EXCEPTION", "An unexpected error occurred.")
            if status == 500
            else ("SERVER_UNAVAILABLE", "server temporarily unavailable")
        )
        return json_response([{"message": message, "errorCode": code}], status)
    body = {"status": "error", "message": "internal error", "correlationId": str(uuid.uuid4())}
    return json_response(body, status)


def _salesforce_limit() -> Response:
    message = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
    return json_response([{"message": message, "errorCode": "REQUEST_LIMIT_EXCEEDED"}], 403)


def _hubspot_limit() -> Response:
    body = {
        "status": "error",
        "message": "You have reached your ten_secondly_rolling limit.",
        "errorType": "RATE_LIMIT",
        "correlationId": str(uuid.uuid4()),
        "policyName": "TEN_SECONDLY_ROLLING",
        "groupName": "publicapi:private-apps:oauth2:4242424",
    }
    return json_response(body, 429)
