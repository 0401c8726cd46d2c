"""Bulk API 2.0 query jobs: /jobs/query."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from crmlift.simulator.faults import is_shuffled, is_truncated
from crmlift.simulator.options import SF_USER_ID
from crmlift.simulator.responses import json_body, json_response
from crmlift.simulator.salesforce.bulk_results import DELIMITERS, LINE_ENDINGS
from crmlift.simulator.salesforce.errors import SalesforceError
from crmlift.simulator.salesforce.jobs import JobBook, QueryJob
from crmlift.simulator.salesforce.org import org_of, version_of
from crmlift.simulator.salesforce.records import rest_instant
from crmlift.simulator.served import Row

_PARALLEL_PAGES = 5
_FIRST_VERSION_WITH_PAGES = 58.0
_JOBS_A_PAGE = 1_000


def jobs_of(request: Request) -> JobBook:
    """The jobs of the org the request is for."""
    book = request.app.state.salesforce_jobs
    assert isinstance(book, JobBook)
    return book


async def create(request: Request) -> Response:
    """POST /jobs/query."""
    body = await _body(request)
    operation, text = body.get("operation"), body.get("query")
    if operation not in {"query", "queryAll"} or not isinstance(text, str) or not text:
        raise SalesforceError(400, "API_ERROR", "operation must be query or queryAll, and query is required")
    delimiter, line_ending = body.get("columnDelimiter", "COMMA"), body.get("lineEnding", "LF")
    if delimiter not in DELIMITERS or line_ending not in LINE_ENDINGS or body.get("contentType", "CSV") != "CSV":
        raise SalesforceError(400, "INVALID_INPUT", "unknown contentType, columnDelimiter or lineEnding")
    job = jobs_of(request).create(operation, text, version_of(request), delimiter, line_ending)
    return json_response(job_info(job))


async def status(request: Request) -> Response:
    """GET /jobs/query/{id}."""
    job = _job(request)
    job.look()
    progress = {
        "jobType": "V2Query",
        "numberRecordsProcessed": job.rows_done,
        "retries": 0,
        "totalProcessingTime": 100 if job.state == "JobComplete" else 0,
        "isPkChunkingSupported": " order by " not in job.text.lower(),
    }
    return json_response(job_info(job) | progress)


async def change(request: Request) -> Response:
    """PATCH /jobs/query/{id} {state: Aborted}."""
    job = _job(request)
    if (await _body(request)).get("state") != "Aborted":
        raise SalesforceError(400, "INVALIDJOBSTATE", "Query jobs can only be set to Aborted")
    if job.state not in {"UploadComplete", "InProgress"}:
        raise SalesforceError(400, "INVALIDJOBSTATE", f"Aborting a job in state {job.state} isn't allowed")
    job.state = "Aborted"
    return json_response(job_info(job))


async def delete(request: Request) -> Response:
    """DELETE /jobs/query/{id}."""
    job = _job(request)
    if job.state in {"UploadComplete", "InProgress"}:
        raise SalesforceError(400, "API_ERROR", "A job that is being processed can't be deleted")
    jobs_of(request).delete(job)
    return Response(status_code=204)


async def listing(request: Request) -> Response:
    """GET /jobs/query."""
    locator = request.query_params.get("queryLocator", "0")
    start = int(locator) if locator.isdigit() else 0
    found = list(jobs_of(request).jobs.values())[::-1]
    end = start + _JOBS_A_PAGE
    is_done = end >= len(found)
    following = None if is_done else f"{request.url.path}?queryLocator={end}"
    records = [job_info(job) | {"jobType": "V2Query"} for job in found[start:end]]
    return json_response({"done": is_done, "records": records, "nextRecordsUrl": following})


async def results(request: Request) -> Response:
    """GET /jobs/query/{id}/results?locator=&maxRecords=."""
    job = _finished(request)
    start, count = _span(request)
    jobs_of(request).pages_served += 1
    end = min(start + count, len(job.result.rows))
    following = _locator(end, count) if end < len(job.result.rows) else "null"
    has_repeats = org_of(request).options.has_repeats and end > start
    before = [as_it_was(job.result.rows[end - 1])] if has_repeats else []
    headers = {
        "Sforce-NumberOfRecords": str(end - start + len(before)),
        "Sforce-Locator": following,
        "Content-Disposition": f"attachment; filename={job.id}.csv",
    }
    accepts_gzip = "gzip" in request.headers.get("accept-encoding", "")
    is_gzipped = accepts_gzip and org_of(request).options.is_gzip_honoured and not is_truncated(request.scope)
    blocks = job.csv.page(start, end, is_gzipped=is_gzipped, before=before)
    if is_gzipped:
        headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    if is_truncated(request.scope):
        blocks = _cut(blocks)
    return StreamingResponse(blocks, headers=headers, media_type="text/csv")


def as_it_was(row: Row) -> Row:
    """A record an hour before its last change; one without such a stamp is the same."""
    changed = row.get("SystemModstamp")
    if not isinstance(changed, datetime):
        return row
    return {**row, "SystemModstamp": changed - timedelta(hours=1), **({"Name": "as it was"} if "Name" in row else {})}


async def result_pages(request: Request) -> Response:
    """GET /jobs/query/{id}/resultPages: up to five addresses to fetch side by side."""
    if float(version_of(request)[1:]) < _FIRST_VERSION_WITH_PAGES:
        raise SalesforceError(404, "NOT_FOUND", "The requested resource does not exist")
    job = _finished(request)
    start, count = _span(request)
    root = f"/services/data/{version_of(request)}/jobs/query/{job.id}"
    total = len(job.result.rows)
    pages: list[dict[str, str]] = []
    while len(pages) < _PARALLEL_PAGES and (start < total or (not pages and start == 0)):
        pages.append({"resultUrl": f"{root}/results?locator={_locator(start, count)}&maxRecords={count}"})
        start += count
    if is_shuffled(request.scope):
        pages = [*pages[::-1], pages[0]]
    answer: dict[str, Any] = {"resultPages": pages, "done": start >= total}
    if start < total:
        answer["nextRecordUrl"] = f"{root}/resultPages?locator={_locator(start, count)}&maxRecords={count}"
        answer["nextRecordsUrl"] = answer["nextRecordUrl"]
    return json_response(answer)


def job_info(job: QueryJob) -> dict[str, Any]:
    """A job as create and list show it."""
    created = rest_instant(job.created_at)
    info: dict[str, Any] = {
        "id": job.id,
        "operation": job.operation,
        "object": job.result.table.name,
        "createdById": SF_USER_ID,
        "createdDate": created,
        "systemModstamp": created,
        "state": job.state,
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": float(job.version.lstrip("v")),
        "lineEnding": job.line_ending,
        "columnDelimiter": job.delimiter,
    }
    if job.error_message:
        info["errorMessage"] = job.error_message
    return info


def _job(request: Request) -> QueryJob:
    return jobs_of(request).find(request.path_params["job_id"])


def _finished(request: Request) -> QueryJob:
    job = _job(request)
    if job.state != "JobComplete":
        raise SalesforceError(400, "INVALIDJOBSTATE", f"Results of a job in state {job.state} aren't available")
    return job


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = await json_body(request)
    except ValueError as cause:
        raise SalesforceError(400, "JSON_PARSER_ERROR", "The request is not valid JSON") from cause
    if not isinstance(body, dict):
        raise SalesforceError(400, "JSON_PARSER_ERROR", "A JSON object is expected")
    return body


def _span(request: Request) -> tuple[int, int]:
    """First row and page size the request asks for; a locator remembers the page size it was made with."""
    default = org_of(request).options.bulk_page_size
    start, count = 0, default
    locator = request.query_params.get("locator")
    if locator and locator != "null":
        try:
            padded = locator + "=" * (-len(locator) % 4)
            start, count = (int(n) for n in base64.urlsafe_b64decode(padded).decode().split(":"))
        except (ValueError, binascii.Error) as cause:
            raise SalesforceError(400, "INVALID_LOCATOR", "Invalid locator") from cause
    asked = request.query_params.get("maxRecords")
    if asked is not None:
        if not asked.isdigit() or int(asked) < 1:
            raise SalesforceError(400, "INVALID_INPUT", "maxRecords must be a positive number")
        count = int(asked)
    return start, count


def _locator(start: int, count: int) -> str:
    return base64.urlsafe_b64encode(f"{start}:{count}".encode()).decode().rstrip("=")


def _cut(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The truncation storm: the body ends somewhere inside, and says nothing about it."""
    first = next(blocks)
    second = next(blocks, b"")
    yield first
    yield second[: len(second) * 2 // 3]
