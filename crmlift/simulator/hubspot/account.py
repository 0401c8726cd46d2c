"""OAuth tokens and account information: details, log-in activity, usage."""

from __future__ import annotations

import secrets
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from crmlift.simulator.hubspot.definitions import jsonable
from crmlift.simulator.hubspot.errors import HubSpotError
from crmlift.simulator.hubspot.objects import integer, next_page
from crmlift.simulator.hubspot.portal import portal_of
from crmlift.simulator.hubspot.records import instant
from crmlift.simulator.options import HS_CLIENT_ID, HS_CLIENT_SECRET, HS_PORTAL_ID, HS_REFRESH_TOKEN
from crmlift.simulator.responses import form_fields, json_response

_TOKEN_SECONDS = 1_800
_DEFAULT_LIMIT, _MOST_A_PAGE, _MOST_RATES = 10, 500, 100


async def token(request: Request) -> Response:
    """POST /oauth/v1/token (refresh_token; the token rotates)."""
    portal, form = portal_of(request), await form_fields(request)
    if form.get("client_id") != HS_CLIENT_ID or form.get("client_secret") != HS_CLIENT_SECRET:
        raise HubSpotError(400, "missing or unknown client id", "BAD_CLIENT_ID", {"status": "BAD_CLIENT_ID"})
    if form.get("grant_type") != "refresh_token":
        raise HubSpotError(400, "unknown grant type", None, {"status": "BAD_GRANT_TYPE"})
    used = form.get("refresh_token", "")
    if used not in portal.refresh_tokens:
        raise HubSpotError(400, "missing or unknown refresh token", None, {"status": "BAD_REFRESH_TOKEN"})
    if used != HS_REFRESH_TOKEN:
        portal.refresh_tokens.discard(used)
    fresh = secrets.token_urlsafe(24)
    portal.refresh_tokens.add(fresh)
    return json_response(
        {
            "token_type": "bearer",
            "refresh_token": fresh,
            "access_token": portal.open_token(),
            "hub_id": HS_PORTAL_ID,
            "expires_in": _TOKEN_SECONDS,
        }
    )


async def details(request: Request) -> Response:
    """GET /account-info/v3/details."""
    return json_response(
        {
            "portalId": HS_PORTAL_ID,
            "accountType": "STANDARD",
            "timeZone": "Europe/Kiev",
            "companyCurrency": "EUR",
            "additionalCurrencies": [],
            "utcOffset": "+02:00",
            "utcOffsetMilliseconds": 7_200_000,
            "uiDomain": "app.hubspot.com",
            "dataHostingLocation": "eu1",
        }
    )


async def logins(request: Request) -> Response:
    """GET /account-info/v3/activity/login?userId=&limit=&after=, newest first."""
    query = request.query_params
    user_id = query.get("userId")
    found = [
        entry
        for entry in portal_of(request).served.company.logins
        if user_id is None or str(entry.get("userId")) == user_id
    ]
    found.sort(key=lambda entry: (entry["loginAt"], str(entry["id"])), reverse=True)
    limit = min(integer(query.get("limit"), "limit", _DEFAULT_LIMIT), _MOST_A_PAGE)
    start = integer(query.get("after"), "after", 0)
    answer: dict[str, Any] = {"results": [jsonable(entry) for entry in found[start : start + limit]]}
    if start + limit < len(found):
        answer["paging"] = next_page(request, start + limit)
    return json_response(answer)


async def exchange_rates(request: Request) -> Response:
    """GET /settings/v3/currencies/exchange-rates?limit=&after=."""
    query, found = request.query_params, portal_of(request).served.company.exchange_rates
    limit = min(integer(query.get("limit"), "limit", _MOST_RATES), _MOST_RATES)
    start = integer(query.get("after"), "after", 0)
    answer: dict[str, Any] = {"results": [jsonable(rate) for rate in found[start : start + limit]]}
    if start + limit < len(found):
        answer["paging"] = next_page(request, start + limit)
    return json_response(answer)


async def daily_usage(request: Request) -> Response:
    """GET /account-info/v3/api-usage/daily/private-apps."""
    portal = portal_of(request)
    usage = {
        "name": "private-apps-api-calls-daily",
        "usageLimit": portal.limiter.tier.daily,
        "currentUsage": portal.limiter.used_today,
        "collectedAt": instant(portal.served.clock.now()),
        "fetchStatus": "SUCCESS",
    }
    return json_response({"results": [usage]})
