"""REST queries: /query, /queryAll and their locators."""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from crmlift.simulator.responses import json_response
from crmlift.simulator.salesforce.errors import SalesforceError
from crmlift.simulator.salesforce.org import Cursor, SalesforceOrg, org_of, version_of
from crmlift.simulator.salesforce.records import RecordEncoder, rest_value
from crmlift.simulator.salesforce.soql_run import QueryResult

_BATCH_SIZE = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)
_SMALLEST_BATCH = 200


async def query(request: Request) -> Response:
    """GET /query?q=."""
    return _first_page(request, is_all=False)


async def query_all(request: Request) -> Response:
    """GET /queryAll?q= (soft-deleted rows too)."""
    return _first_page(request, is_all=True)


async def more(request: Request) -> Response:
    """GET /query/{locator}; a q= sent along is ignored."""
    locator, _, offset = request.path_params["locator"].partition("-")
    cursor = org_of(request).cursors.get(locator)
    if cursor is None or not offset.isdigit() or int(offset) > len(cursor.rows):
        raise SalesforceError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    return json_response(_page(cursor, locator, int(offset), version_of(request)))


def _first_page(request: Request, *, is_all: bool) -> Response:
    org, version = org_of(request), version_of(request)
    text = request.query_params.get("q")
    if not text:
        raise SalesforceError(400, "MALFORMED_QUERY", "SOQL statements cannot be empty or null")
    result = org.query(text, is_all=is_all)
    if result.count is not None:
        return json_response({"totalSize": result.count, "done": True, "records": []})
    if result.aggregates is not None:
        return json_response(_aggregate_page(result.aggregates))
    return json_response(_begin(org, result, version, _page_size(request, org)))


def _aggregate_page(records: list[dict[str, Any]]) -> dict[str, Any]:
    shown = [
        {"attributes": {"type": "AggregateResult"}, **{k: rest_value(v) for k, v in record.items()}}
        for record in records
    ]
    return {"totalSize": len(shown), "done": True, "records": shown}


def _begin(org: SalesforceOrg, result: QueryResult, version: str, page_size: int) -> dict[str, Any]:
    encoder = RecordEncoder(org.tables, result.table, result.columns, version)
    cursor = Cursor(result.rows, encoder, page_size)
    locator = org.keep_cursor(cursor) if len(result.rows) > page_size else ""
    return _page(cursor, locator, 0, version)


def _page(cursor: Cursor, locator: str, offset: int, version: str) -> dict[str, Any]:
    end = offset + cursor.page_size
    is_done = end >= len(cursor.rows)
    page: dict[str, Any] = {"totalSize": len(cursor.rows), "done": is_done}
    if not is_done:
        page["nextRecordsUrl"] = f"/services/data/{version}/query/{locator}-{end}"
    page["records"] = [cursor.encoder.encode(row) for row in cursor.rows[offset:end]]
    return page


def _page_size(request: Request, org: SalesforceOrg) -> int:
    asked = _BATCH_SIZE.search(request.headers.get("sforce-query-options", ""))
    most = org.options.rest_page_size
    return min(most, max(_SMALLEST_BATCH, int(asked.group(1)))) if asked else most
