"""Every address of the simulated org, and the gate before them: session, daily limit, usage header."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crmlift.simulator.faults import has_expiring_session
from crmlift.simulator.salesforce import auth, bulk1, bulk2, query, resources, soap
from crmlift.simulator.salesforce.errors import SalesforceError, invalid_session
from crmlift.simulator.salesforce.org import SalesforceOrg

_DATA = "/services/data/{version}"
_ASYNC = "/services/async/{version}"
_SOBJECT = _DATA + "/sobjects/{name}"
_QUERY_JOB = _DATA + "/jobs/query/{job_id}"
_BATCH = _ASYNC + "/job/{job_id}/batch"

ROUTES = [
    Route("/services/oauth2/token", auth.token, methods=["POST"]),
    Route("/services/oauth2/userinfo", auth.userinfo, methods=["GET", "POST"]),
    Route("/services/oauth2/revoke", auth.revoke, methods=["GET", "POST"]),
    Route("/id/{org_id}/{user_id}", auth.userinfo, methods=["GET"]),
    Route("/services/Soap/u/{version}", soap.login, methods=["POST"]),
    Route("/services/data", resources.versions, methods=["GET"]),
    Route(_DATA, resources.resources, methods=["GET"]),
    Route(_DATA + "/query", query.query, methods=["GET"]),
    Route(_DATA + "/queryAll", query.query_all, methods=["GET"]),
    Route(_DATA + "/query/{locator}", query.more, methods=["GET"]),
    Route(_DATA + "/queryAll/{locator}", query.more, methods=["GET"]),
    Route(_DATA + "/limits", resources.limits, methods=["GET"]),
    Route(_DATA + "/composite/batch", resources.composite_batch, methods=["POST"]),
    Route(_DATA + "/sobjects", resources.sobjects, methods=["GET"]),
    Route(_SOBJECT, resources.sobject, methods=["GET"]),
    Route(_SOBJECT + "/describe", resources.sobject_describe, methods=["GET"]),
    Route(_SOBJECT + "/deleted", resources.deleted, methods=["GET"]),
    Route(_SOBJECT + "/updated", resources.updated, methods=["GET"]),
    Route(_SOBJECT + "/{record_id}", resources.record, methods=["GET"]),
    Route(_DATA + "/jobs/query", bulk2.create, methods=["POST"]),
    Route(_DATA + "/jobs/query", bulk2.listing, methods=["GET"]),
    Route(_QUERY_JOB, bulk2.status, methods=["GET"]),
    Route(_QUERY_JOB, bulk2.change, methods=["PATCH"]),
    Route(_QUERY_JOB, bulk2.delete, methods=["DELETE"]),
    Route(_QUERY_JOB + "/results", bulk2.results, methods=["GET"]),
    Route(_QUERY_JOB + "/resultPages", bulk2.result_pages, methods=["GET"]),
    Route(_ASYNC + "/job", bulk1.create, methods=["POST"]),
    Route(_ASYNC + "/job/{job_id}", bulk1.status, methods=["GET"]),
    Route(_ASYNC + "/job/{job_id}", bulk1.change, methods=["POST"]),
    Route(_BATCH, bulk1.add_batch, methods=["POST"]),
    Route(_BATCH, bulk1.batches, methods=["GET"]),
    Route(_BATCH + "/{batch_id}", bulk1.batch_status, methods=["GET"]),
    Route(_BATCH + "/{batch_id}/result", bulk1.result_ids, methods=["GET"]),
    Route(_BATCH + "/{batch_id}/result/{result_id}", bulk1.result, methods=["GET"]),
    Route("/services/{rest:path}", resources.unknown),
]


class SalesforceGate:
    """Lets requests with a living session through, counts them, and writes the usage header on every answer."""

    def __init__(self, app: ASGIApp, org: SalesforceOrg) -> None:
        self.app, self.org = app, org

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        path = scope["path"]
        if not path.startswith("/services/"):
            await self.app(scope, receive, send)
            return

        async def send_with_usage(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Sforce-Limit-Info"] = self.org.limit_info()
            await send(message)

        refusal = self._refusal(path, Headers(scope=scope), has_expiring_session(scope))
        await (refusal or self.app)(scope, receive, send_with_usage)

    def _refusal(self, path: str, headers: Headers, is_expiring: bool) -> Response | None:
        is_async = path.startswith("/services/async/")
        if not is_async and not path.startswith("/services/data/v"):
            return None
        try:
            token = auth.bearer_token(headers)
            if is_expiring:
                self.org.end_session(token)
            if not self.org.use_session(token):
                raise invalid_session()
            if self.org.requests_used >= self.org.options.sf_daily_limit:
                raise SalesforceError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        except SalesforceError as error:
            if is_async:
                return bulk1.error_response(error, "json" in headers.get("content-type", ""))
            return error.response()
        self.org.requests_used += 1
        return None


async def on_error(request: Request, error: Exception) -> Response:
    """Answers a SalesforceError in the manner of the interface that raised it."""
    assert isinstance(error, SalesforceError)
    if request.url.path.startswith("/services/async/"):
        return bulk1.error_response(error, "json" in request.headers.get("content-type", ""))
    return error.response()


def install(app: Starlette, org: SalesforceOrg) -> None:
    """Put the org's state on the application."""
    app.state.salesforce = org
    app.state.salesforce_bulk1 = {}
