"""The small REST resources: versions, sobjects, records, deleted and updated, limits, composite batch."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Scope

from crmlift.simulator.responses import json_body, json_response
from crmlift.simulator.salesforce.describe import describe, global_describe, object_summary, served_table
from crmlift.simulator.salesforce.errors import SalesforceError, not_found
from crmlift.simulator.salesforce.org import org_of, version_of
from crmlift.simulator.salesforce.records import RecordEncoder, rest_instant
from crmlift.simulator.salesforce.soql_ast import FieldPath
from crmlift.simulator.salesforce.soql_fields import resolve

OLDEST_VERSION, NEWEST_VERSION = 31, 66
_DELETED_DAYS = 15
_MOST_IDS = 600_000
_MOST_SUBREQUESTS = 25


async def versions(request: Request) -> Response:
    """GET /services/data (no session needed)."""
    known = [
        {"label": f"Release {n}", "url": f"/services/data/v{n}.0", "version": f"{n}.0"}
        for n in range(OLDEST_VERSION, NEWEST_VERSION + 1)
    ]
    return json_response(known)


async def resources(request: Request) -> Response:
    """GET /services/data/vXX.X/."""
    root = f"/services/data/{version_of(request)}"
    names = ("sobjects", "query", "queryAll", "limits", "composite", "jobs")
    return json_response({name: f"{root}/{name}" for name in names})


async def sobjects(request: Request) -> Response:
    """GET /sobjects."""
    return json_response(global_describe(org_of(request).tables, version_of(request)))


async def sobject(request: Request) -> Response:
    """GET /sobjects/{X}."""
    table = served_table(org_of(request).tables, request.path_params["name"])
    summary = object_summary(table, version_of(request))
    return json_response({"objectDescribe": summary, "recentItems": []})


async def sobject_describe(request: Request) -> Response:
    """GET /sobjects/{X}/describe."""
    tables = org_of(request).tables
    table = served_table(tables, request.path_params["name"])
    return json_response(describe(tables, table, version_of(request)))


async def record(request: Request) -> Response:
    """GET /sobjects/{X}/{id}?fields=."""
    tables = org_of(request).tables
    table = served_table(tables, request.path_params["name"])
    record_id = request.path_params["record_id"]
    row = table.find(record_id)
    if row is None or row.get("IsDeleted"):
        message = f"Provided external ID field does not exist or is not accessible: {record_id}"
        raise SalesforceError(404, "NOT_FOUND", message)
    names = request.query_params.get("fields")
    wanted = names.split(",") if names else [field.name for field in table.table.fields]
    columns = [resolve(tables, table, FieldPath(tuple(n.strip().split("."))), n) for n in wanted]
    return json_response(RecordEncoder(tables, table, columns, version_of(request)).encode(row))


async def deleted(request: Request) -> Response:
    """GET /sobjects/{X}/deleted?start=&end= (soft-deleted and purged rows)."""
    org = org_of(request)
    table = served_table(org.tables, request.path_params["name"])
    start, end = _window(request)
    if start < org.now() - timedelta(days=_DELETED_DAYS):
        raise SalesforceError(
            400, "INVALID_REPLICATION_DATE", "start date exceeds the 15-day window of the deleted log"
        )
    moments = [
        (str(row["Id"]), row.get("SystemModstamp") or row.get("LastModifiedDate"))
        for row in table.rows
        if row.get("IsDeleted")
    ] + list(org.served.company.purged.get(table.name, []))
    found = [(i, at) for i, at in moments if isinstance(at, datetime) and start <= at < end]
    _check_count(found)
    records = [{"id": i, "deletedDate": rest_instant(at)} for i, at in sorted(found, key=lambda m: (m[1], m[0]))]
    earliest = org.now() - timedelta(days=_DELETED_DAYS)
    return json_response(
        {
            "deletedRecords": records,
            "earliestDateAvailable": rest_instant(earliest),
            "latestDateCovered": rest_instant(min(end, org.now())),
        }
    )


async def updated(request: Request) -> Response:
    """GET /sobjects/{X}/updated?start=&end=."""
    org = org_of(request)
    table = served_table(org.tables, request.path_params["name"])
    start, end = _window(request)
    ids = [
        str(row["Id"])
        for row in table.rows
        if not row.get("IsDeleted")
        and (at := row.get("SystemModstamp") or row.get("LastModifiedDate")) is not None
        and start <= at < end
    ]
    _check_count(ids)
    return json_response({"ids": ids, "latestDateCovered": rest_instant(min(end, org.now()))})


def _check_count(found: Iterable[Any]) -> None:
    if sum(1 for _ in found) > _MOST_IDS:
        raise SalesforceError(400, "EXCEEDED_ID_LIMIT", "too many records in the requested time span")


def _window(request: Request) -> tuple[datetime, datetime]:
    moments = []
    for name in ("start", "end"):
        text = request.query_params.get(name, "").replace(" ", "+")  # an unescaped + arrives as a space
        try:
            at = datetime.fromisoformat(text)
        except ValueError as cause:
            raise SalesforceError(400, "MISSING_ARGUMENT", f"{name} date is required") from cause
        moments.append(at if at.tzinfo else at.replace(tzinfo=UTC))
    if moments[0] >= moments[1]:
        raise SalesforceError(400, "INVALID_REPLICATION_DATE", "startDate before endDate")
    return moments[0], moments[1]


async def limits(request: Request) -> Response:
    """GET /limits."""
    org = org_of(request)
    most = {
        "DailyApiRequests": (org.options.sf_daily_limit, org.requests_used),
        "DailyAsyncApexExecutions": (250_000, 0),
        "DailyBulkApiBatches": (15_000, 0),
        "DailyBulkV2QueryJobs": (10_000, org.bulk_query_jobs_used),
        "DailyBulkV2QueryFileStorageMB": (976_562, 0),
        "DataStorageMB": (10_240, 1_024),
        "FileStorageMB": (10_240, 0),
    }
    shown = {name: {"Max": limit, "Remaining": max(0, limit - used)} for name, (limit, used) in most.items()}
    return json_response(shown)


async def composite_batch(request: Request) -> Response:
    """POST /composite/batch: up to 25 GET requests, answered one after another."""
    body = await json_body(request)
    asked = body.get("batchRequests") if isinstance(body, dict) else None
    if not isinstance(asked, list) or not asked or len(asked) > _MOST_SUBREQUESTS:
        raise SalesforceError(400, "INVALID_BATCH_REQUEST", "batchRequests: 1 to 25 are expected")
    results: list[dict[str, Any]] = []
    for part in asked:
        status, content = await _inside(request, str(part.get("method", "GET")), str(part.get("url", "")))
        results.append({"statusCode": status, "result": msgspec.json.decode(content) if content else None})
    has_errors = any(result["statusCode"] >= 400 for result in results)
    return json_response({"hasErrors": has_errors, "results": results})


async def _inside(request: Request, method: str, url: str) -> tuple[int, bytes]:
    """Send a subrequest through the same routes."""
    parts = urlsplit(url if url.startswith("/services/data/") else f"/services/data/{url.lstrip('/')}")
    scope: Scope = dict(request.scope) | {
        "method": method.upper(),
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "headers": [(k, v) for k, v in request.scope["headers"] if k not in {b"content-length"}],
    }
    status, chunks = 0, []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            chunks.append(message.get("body", b""))

    await request.app.router(scope, receive, send)
    return status, b"".join(chunks)


async def unknown(request: Request) -> Response:
    """Whatever else is asked below /services."""
    raise not_found()
