"""Every address of the simulated account, and the gate before them: token, limits, rate headers."""

from __future__ import annotations

import base64
import json
from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crmlift.simulator.options import PD_CLIENT_ID, PD_CLIENT_SECRET
from crmlift.simulator.pipedrive.account import LISTED, PipedriveAccount, PipedriveError, account_of
from crmlift.simulator.pipedrive.fields import OBJECTS, v1_fields, v2_fields
from crmlift.simulator.responses import form_fields, json_response

_DEFAULT_LIMIT, _MOST_A_PAGE, _MOST_DEALS = 100, 500, 100
_TOKEN_SECONDS = 3_599
_SORTED_BY = ("id", "update_time", "add_time")
_EMPTY = ("filters", "notes", "files", "deals/archived", "noteFields", "activityTypes", "currencies")
_V2 = sorted(LISTED - {"users", "roles", "leads", "leads/archived"})


async def v2_list(request: Request) -> Response:
    """A v2 list: updated_since ≤ update_time < updated_until, a status, a cursor."""
    account, query = account_of(request), request.query_params
    rows = account.records(request.url.path.rsplit("/api/v2/", 1)[1].rstrip("/"))
    if request.url.path.rstrip("/").endswith("/deals"):
        wanted = set(query["status"].split(",")) if "status" in query else {"open", "won", "lost"}
        rows = [row for row in rows if row["status"] in wanted]
    since, until = query.get("updated_since"), query.get("updated_until")
    rows = [r for r in rows if (not since or r["update_time"] >= since) and (not until or r["update_time"] < until)]
    return _by_cursor(rows, query)


async def v2_fields_list(request: Request) -> Response:
    """GET /api/v2/dealFields and the like."""
    return _by_cursor(v2_fields(_object(request)), request.query_params, key="field_code")


async def deal_products(request: Request) -> Response:
    """GET /api/v2/deals/products?deal_ids=."""
    numbers = [int(n) for n in request.query_params.get("deal_ids", "").split(",") if n.isdigit()]
    if not 0 < len(numbers) <= _MOST_DEALS:
        raise _invalid("deal_ids must hold 1 to 100 ids")
    return _by_cursor(account_of(request).deals.products(numbers), request.query_params)


async def v1_list(request: Request) -> Response:
    """A v1 list: start and limit."""
    rows = account_of(request).records(request.url.path.rsplit("/v1/", 1)[1].rstrip("/"))
    return _by_start(rows, request.query_params)


async def v1_fields_list(request: Request) -> Response:
    """GET /v1/dealFields and the like."""
    return _by_start(v1_fields(_object(request)), request.query_params)


async def empty(request: Request) -> Response:
    """What the account has none of."""
    return json_response({"success": True, "data": [], "additional_data": {"next_cursor": None}})


async def flow(request: Request) -> Response:
    """GET /v1/deals/{id}/flow."""
    found = account_of(request).deals.flow(int(request.path_params["deal_id"]))
    if found is None:
        raise PipedriveError(404, "Deal not found")
    items = set(request.query_params.get("items", "dealChange").split(","))
    return _by_start([each for each in found if each["object"] in items], request.query_params)


async def me(request: Request) -> Response:
    """GET /v1/users/me."""
    company = account_of(request).served.company
    data = {"id": 1, "name": "Integration", "company_name": company.name, "company_domain": "acme", "company_id": 4242}
    return json_response({"success": True, "data": data})


async def token(request: Request) -> Response:
    """POST /oauth/token: refresh_token with the client's name and secret as basic authorization."""
    given = request.headers.get("authorization", "").removeprefix("Basic ")
    wanted = base64.b64encode(f"{PD_CLIENT_ID}:{PD_CLIENT_SECRET}".encode()).decode()
    form = await form_fields(request)
    if given != wanted or form.get("grant_type") != "refresh_token":
        raise PipedriveError(401, "Invalid client: client is invalid")
    access, fresh = account_of(request).renew(form.get("refresh_token", ""))
    return json_response(
        {"access_token": access, "refresh_token": fresh, "token_type": "Bearer", "expires_in": _TOKEN_SECONDS}
    )


def _get(path: str, endpoint: Callable[..., object]) -> Route:
    return Route(path, endpoint, methods=["GET"])


async def not_there(request: Request) -> Response:
    """Whatever else is asked."""
    raise PipedriveError(404, "Unknown method.")


ROUTES = [
    Route("/oauth/token", token, methods=["POST"]),
    _get("/v1/users/me", me),
    *(_get(f"/{root}/{name}", empty) for root in ("v1", "api/v2") for name in _EMPTY),
    _get("/v1/deals/{deal_id:int}/flow", flow),
    _get("/api/v2/deals/products", deal_products),
    *(_get(f"/api/v2/{name}", v2_list) for name in _V2),
    *(_get(f"/v1/{name}", v1_list) for name in ("users", "roles", "leads", "leads/archived")),
    *(_get(f"/api/v2/{name}Fields", v2_fields_list) for name in OBJECTS),
    *(_get(f"/v1/{name}Fields", v1_fields_list) for name in OBJECTS),
    Route("/v1/{rest:path}", not_there),
    Route("/api/v2/{rest:path}", not_there),
]


class PipedriveGate:
    """Lets requests with a good token through, as many as the account may make in two seconds."""

    def __init__(self, app: ASGIApp, account: PipedriveAccount) -> None:
        self.app, self.account = app, account

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if not scope["path"].startswith(("/v1/", "/api/v2/")):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        query = QueryParams(scope["query_string"])
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        if not self.account.tokens & {headers.get("x-api-token", ""), query.get("api_token", ""), bearer}:
            error = {"success": False, "error": "unauthorized access", "errorCode": 401}
            await json_response(error, 401)(scope, receive, send)
            return
        left = self.account.admit()
        told = {
            "X-RateLimit-Limit": str(self.account.allowed),
            "X-RateLimit-Remaining": str(max(left, 0)),
            "X-RateLimit-Reset": "2",
        }

        async def send_with_limits(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(told)
            await send(message)

        app = self.app if left >= 0 else json_response({"success": False, "error": "request over limit"}, 429)
        await app(scope, receive, send_with_limits)


async def on_error(request: Request, error: Exception) -> Response:
    """Starlette's handler for `PipedriveError`."""
    assert isinstance(error, PipedriveError)
    return json_response({"success": False, "error": error.error, "code": error.code}, error.status)


def _object(request: Request) -> str:
    return request.url.path.rstrip("/").rsplit("/", 1)[1].removesuffix("Fields")


def _by_cursor(rows: list[dict[str, Any]], query: Mapping[str, str], key: str = "id") -> Response:
    limit = _number(query.get("limit"), _DEFAULT_LIMIT)
    if not 0 < limit <= _MOST_A_PAGE:
        raise _invalid(f"limit must be between 1 and {_MOST_A_PAGE}")
    name = query.get("sort_by", key)
    if name not in {*_SORTED_BY, key}:
        raise _invalid("sort_by must be one of id, update_time, add_time")
    is_descending = query.get("sort_direction") == "desc"
    ordered = sorted(rows, key=lambda row: (row[name], row[key])) if name != key else rows
    if is_descending:
        ordered = ordered[::-1]
    start = 0
    if cursor := query.get("cursor"):
        try:
            place = json.loads(base64.urlsafe_b64decode(cursor))
            start = (
                bisect_right(ordered, tuple(place), key=lambda row: (row[name], row[key]))
                if not is_descending
                else place
            )
        except (ValueError, TypeError):
            raise _invalid("cursor is invalid") from None
    page = ordered[start : start + limit]
    has_more = start + limit < len(ordered)
    after: Any = start + limit if is_descending else [page[-1][name], page[-1][key]] if page else None
    following = base64.urlsafe_b64encode(json.dumps(after).encode()).decode() if has_more else None
    return json_response({"success": True, "data": page, "additional_data": {"next_cursor": following}})


def _by_start(rows: list[dict[str, Any]], query: Mapping[str, str]) -> Response:
    start, limit = _number(query.get("start"), 0), min(_number(query.get("limit"), _DEFAULT_LIMIT), _MOST_A_PAGE)
    has_more = start + limit < len(rows)
    paging: dict[str, Any] = {"start": start, "limit": limit, "more_items_in_collection": has_more}
    if has_more:
        paging["next_start"] = start + limit
    data = rows[start : start + limit]
    return json_response({"success": True, "data": data or None, "additional_data": {"pagination": paging}})


def _number(text: str | None, otherwise: int) -> int:
    if text is None:
        return otherwise
    if not text.isdigit():
        raise _invalid(f"{text[:40]!r} is no number")
    return int(text)


def _invalid(message: str) -> PipedriveError:
    return PipedriveError(400, f"Validation failed: {message}", "ERR_SCHEMA_VALIDATION_FAILED")
