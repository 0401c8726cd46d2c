"""Every address of the simulated portal, and the gate before them: token, limits, rate headers."""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crmlift.simulator.faults import has_expiring_session
from crmlift.simulator.hubspot import account, associations, definitions, legacy, objects, people, search
from crmlift.simulator.hubspot.errors import HubSpotError, resource_not_found
from crmlift.simulator.hubspot.portal import HubSpotPortal

DATED = "2026-03"
_UNAUTHENTICATED = (
    "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more "
    "details at https://developers.hubspot.com/docs/methods/auth/oauth-overview"
)
_GATED = ("/crm", "/properties", "/account-info", "/settings", "/email")


def _get(path: str, endpoint: Callable[..., object]) -> Route:
    return Route(path, endpoint, methods=["GET"])


def _post(path: str, endpoint: Callable[..., object]) -> Route:
    return Route(path, endpoint, methods=["POST"])


async def not_there(request: Request) -> Response:
    """Whatever else is asked."""
    raise resource_not_found()


def _objects(root: str) -> list[Route]:
    return [
        _get(f"{root}/{{object_type}}", objects.listing),
        _post(f"{root}/{{object_type}}/search", search.search),
        _post(f"{root}/{{object_type}}/batch/read", objects.batch_read),
        _get(f"{root}/{{object_type}}/{{record_id}}", objects.single),
    ]


def _properties(root: str) -> list[Route]:
    return [
        _get(f"{root}/{{object_type}}", definitions.properties),
        _get(f"{root}/{{object_type}}/{{name}}", definitions.single_property),
    ]


def _pipelines(root: str) -> list[Route]:
    return [
        _get(f"{root}/{{object_type}}", definitions.pipelines),
        _get(f"{root}/{{object_type}}/{{pipeline_id}}", definitions.pipeline),
        _get(f"{root}/{{object_type}}/{{pipeline_id}}/stages", definitions.stages),
        _get(f"{root}/{{object_type}}/{{pipeline_id}}/audit", definitions.pipeline_audit),
    ]


def _owners(root: str) -> list[Route]:
    return [_get(root, definitions.owners), _get(f"{root}/{{owner_id}}", definitions.owner)]


def _schemas(root: str) -> list[Route]:
    return [_get(root, definitions.schemas), _get(f"{root}/{{object_type}}", definitions.schema)]


_OF_RECORD = "/{from_type}/{record_id}/associations/{to_type}"
_PAIR = "/{from_type}/{to_type}"

ROUTES = [
    *(_post(f"/oauth/{v}/token", account.token) for v in ("v1", "v3", DATED)),
    *(_get(f"/account-info/{v}/details", account.details) for v in ("v3", DATED)),
    *(_get(f"/account-info/{v}/activity/login", account.logins) for v in ("v3", DATED)),
    *(_get(f"/account-info/{v}/api-usage/daily/private-apps", account.daily_usage) for v in ("v3", DATED)),
    *(_get(f"/settings/{p}/teams", people.teams) for p in ("v3/users", f"users/{DATED}")),
    *(_get(f"/settings/{p}", people.users) for p in ("v3/users", f"users/{DATED}")),
    *(_get(f"/settings/{p}/roles", people.roles) for p in ("v3/users", f"users/{DATED}")),
    *(_get(f"/settings/{p}/exchange-rates", account.exchange_rates) for p in ("v3/currencies", f"currencies/{DATED}")),
    _get("/crm/v3/objects" + _OF_RECORD, associations.of_record_v3),
    _get("/crm/v4/objects" + _OF_RECORD, associations.of_record),
    _get(f"/crm/objects/{DATED}" + _OF_RECORD, associations.of_record),
    _post("/crm/v3/associations" + _PAIR + "/batch/read", associations.batch_read_v3),
    _post("/crm/v4/associations" + _PAIR + "/batch/read", associations.batch_read),
    _post(f"/crm/associations/{DATED}" + _PAIR + "/batch/read", associations.batch_read),
    _get("/crm/v4/associations" + _PAIR + "/labels", associations.labels),
    _get(f"/crm/associations/{DATED}" + _PAIR + "/labels", associations.labels),
    *(route for root in ("/crm/v3/objects", f"/crm/objects/{DATED}") for route in _objects(root)),
    *(route for root in ("/crm/v3/properties", f"/crm/properties/{DATED}") for route in _properties(root)),
    *(route for root in ("/crm/v3/pipelines", f"/crm/pipelines/{DATED}") for route in _pipelines(root)),
    *(route for root in ("/crm/v3/owners", f"/crm/owners/{DATED}") for route in _owners(root)),
    *(
        route
        for root in ("/crm/v3/schemas", "/crm-object-schemas/v3/schemas", f"/crm-object-schemas/{DATED}/schemas")
        for route in _schemas(root)
    ),
    *(_get(f"/properties/{v}/{{object_type}}/properties", definitions.legacy_properties) for v in ("v1", "v2")),
    _get("/crm-pipelines/v1/pipelines/{object_type}", legacy.pipelines),
    _get("/email/public/v1/subscriptions", legacy.subscriptions),
    Route("/{rest:path}", not_there),
]


class HubSpotGate:
    """Lets requests with a good token through as fast as the tier allows, with the rate headers on every answer."""

    def __init__(self, app: ASGIApp, portal: HubSpotPortal) -> None:
        self.app, self.portal = app, portal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        path = scope["path"]
        if not path.startswith(_GATED):
            await self.app(scope, receive, send)
            return
        scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
        if has_expiring_session(scope):
            self.portal.expire(token.strip())
        if scheme.lower() != "bearer" or not self.portal.accepts(token.strip()):
            refused = HubSpotError(401, _UNAUTHENTICATED, "INVALID_AUTHENTICATION")
            await refused.response()(scope, receive, send)
            return
        is_search = path.endswith("/search")
        limiter = self.portal.limiter
        refusal = limiter.admit(is_search=is_search)
        headers = limiter.headers(is_search=is_search)

        async def send_with_limits(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers)
            await send(message)

        await (refusal or self.app)(scope, receive, send_with_limits)


async def on_error(request: Request, error: Exception) -> Response:
    """Starlette's handler for `HubSpotError`."""
    assert isinstance(error, HubSpotError)
    return error.response()
