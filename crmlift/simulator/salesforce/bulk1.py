"""Bulk API 1.0 query jobs at /services/async, for older clients: JSON or XML envelopes, CSV or JSON results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from crmlift.simulator.faults import is_truncated
from crmlift.simulator.options import SF_USER_ID
from crmlift.simulator.responses import json_response
from crmlift.simulator.salesforce.bulk2 import jobs_of
from crmlift.simulator.salesforce.errors import SalesforceError
from crmlift.simulator.salesforce.jobs import QueryJob
from crmlift.simulator.salesforce.org import org_of
from crmlift.simulator.salesforce.records import RecordEncoder, epoch_ms, rest_instant

_NAMESPACE = "http://www.force.com/2009/06/asyncapi/dataload"
_BATCH_STATES = {
    "UploadComplete": "Queued",
    "InProgress": "InProgress",
    "JobComplete": "Completed",
    "Failed": "Failed",
    "Aborted": "Not Processed",
}


@dataclass
class Bulk1Job:
    """A job: an envelope around batches, each a query."""

    id: str
    operation: str
    sobject: str
    content_type: str
    version: str
    created: str
    is_json: bool
    batches: dict[str, QueryJob]
    state: str = "Open"

    @property
    def has_json_batches(self) -> bool:
        """Batches are told of in the format of their data, XML standing in for CSV; the job in that of its request."""
        return self.content_type == "JSON"


async def create(request: Request) -> Response:
    """POST /services/async/{version}/job."""
    fields, is_json = await _fields(request)
    operation, sobject = str(fields.get("operation", "")), str(fields.get("object", ""))
    if operation not in {"query", "queryAll"}:
        raise SalesforceError(400, "InvalidJob", f"Operation {operation or 'none'} is not available here")
    content_type = str(fields.get("contentType", "XML")).upper()
    if content_type not in {"CSV", "JSON"}:
        raise SalesforceError(400, "InvalidJob", "Content type CSV or JSON is expected")
    org = org_of(request)
    job = Bulk1Job(
        org.new_id("750"), operation, sobject, content_type, request.path_params["version"],
        rest_instant(org.now()), is_json, {},
    )  # fmt: skip
    _jobs(request)[job.id] = job
    return _answer(job.is_json, "jobInfo", _job_info(job), status=201)


async def status(request: Request) -> Response:
    """GET /job/{id}."""
    job = _find(request)
    return _answer(job.is_json, "jobInfo", _job_info(job))


async def change(request: Request) -> Response:
    """POST /job/{id} {state: Closed | Aborted}."""
    job = _find(request)
    fields, _ = await _fields(request)
    if fields.get("state") not in {"Closed", "Aborted"}:
        raise SalesforceError(400, "InvalidJobState", "state must be Closed or Aborted")
    job.state = str(fields["state"])
    if job.state == "Aborted":
        for batch in job.batches.values():
            batch.state = "Aborted" if batch.state != "JobComplete" else batch.state
    return _answer(job.is_json, "jobInfo", _job_info(job))


async def add_batch(request: Request) -> Response:
    """POST /job/{id}/batch with the query as body."""
    job = _find(request)
    if job.state != "Open":
        raise SalesforceError(400, "InvalidJobState", f"Job is {job.state}")
    text = (await request.body()).decode()
    org = org_of(request)
    batch_id = org.new_id("751")
    try:
        batch = jobs_of(request).create(job.operation, text, f"v{job.version}")
    except SalesforceError as error:
        raise SalesforceError(400, "InvalidBatch", f"Failed to process query: {error.message}") from error
    batch.batch_id, batch.result_id = batch_id, org.new_id("752")
    job.batches[batch_id] = batch
    return _answer(job.has_json_batches, "batchInfo", _batch_info(job, batch), status=201)


async def batches(request: Request) -> Response:
    """GET /job/{id}/batch."""
    job = _find(request)
    infos = [_batch_info(job, batch) for batch in job.batches.values()]
    if job.has_json_batches:
        return json_response({"batchInfo": infos})
    body = "".join(f"<batchInfo>{_xml_fields(info)}</batchInfo>" for info in infos)
    return _xml(f'<batchInfoList xmlns="{_NAMESPACE}">{body}</batchInfoList>')


async def batch_status(request: Request) -> Response:
    """GET /job/{id}/batch/{batch}."""
    job, batch = _find_batch(request)
    batch.look()
    return _answer(job.has_json_batches, "batchInfo", _batch_info(job, batch))


async def result_ids(request: Request) -> Response:
    """GET /job/{id}/batch/{batch}/result."""
    job, batch = _find_batch(request)
    if batch.state != "JobComplete":
        raise SalesforceError(400, "InvalidBatch", "Batch not completed")
    if job.has_json_batches:
        return json_response([batch.result_id])
    return _xml(f'<result-list xmlns="{_NAMESPACE}"><result>{batch.result_id}</result></result-list>')


async def result(request: Request) -> Response:
    """GET /job/{id}/batch/{batch}/result/{result}."""
    job, batch = _find_batch(request)
    if batch.state != "JobComplete" or request.path_params["result_id"] != batch.result_id:
        raise SalesforceError(400, "InvalidBatch", "No such result")
    found = batch.result
    if job.content_type == "CSV":
        blocks = batch.csv.page(0, len(found.rows))
        if is_truncated(request.scope):
            whole = b"".join(blocks)
            return Response(whole[: len(whole) * 2 // 3], media_type="text/csv")
        return StreamingResponse(blocks, media_type="text/csv")
    encoder = RecordEncoder(org_of(request).tables, found.table, found.columns, f"v{job.version}", epoch_ms)
    return json_response([encoder.encode(row) for row in found.rows])


def error_response(error: SalesforceError, is_json: bool) -> Response:
    """Bulk 1 writes errors in its own way."""
    code = "InvalidSessionId" if error.code == "INVALID_SESSION_ID" else error.code
    status = 400 if error.status == 401 else error.status
    if is_json:
        return json_response({"exceptionCode": code, "exceptionMessage": error.message}, status)
    fields = _xml_fields({"exceptionCode": code, "exceptionMessage": error.message})
    return _xml(f'<error xmlns="{_NAMESPACE}">{fields}</error>', status)


def _jobs(request: Request) -> dict[str, Bulk1Job]:
    jobs: dict[str, Bulk1Job] = request.app.state.salesforce_bulk1
    return jobs


def _find(request: Request) -> Bulk1Job:
    job = _jobs(request).get(request.path_params["job_id"])
    if job is None:
        raise SalesforceError(400, "InvalidJob", "Unable to find object")
    return job


def _find_batch(request: Request) -> tuple[Bulk1Job, QueryJob]:
    job = _find(request)
    batch = job.batches.get(request.path_params["batch_id"])
    if batch is None:
        raise SalesforceError(400, "InvalidBatch", "Unable to find object")
    return job, batch


async def _fields(request: Request) -> tuple[dict[str, Any], bool]:
    body = await request.body()
    try:
        if "json" in request.headers.get("content-type", ""):
            decoded = msgspec.json.decode(body)
            return (decoded if isinstance(decoded, dict) else {}), True
        document = ElementTree.fromstring(body)
    except (msgspec.DecodeError, ElementTree.ParseError) as cause:
        raise SalesforceError(400, "InvalidJob", "The request could not be parsed") from cause
    return {element.tag.rpartition("}")[2]: element.text for element in document}, False


def _job_info(job: Bulk1Job) -> dict[str, Any]:
    done = [batch for batch in job.batches.values() if batch.state == "JobComplete"]
    failed = [batch for batch in job.batches.values() if batch.state == "Failed"]
    return {
        "id": job.id,
        "operation": job.operation,
        "object": job.sobject,
        "createdById": SF_USER_ID,
        "createdDate": job.created,
        "systemModstamp": job.created,
        "state": job.state,
        "concurrencyMode": "Parallel",
        "contentType": job.content_type,
        "numberBatchesQueued": 0,
        "numberBatchesInProgress": len(job.batches) - len(done) - len(failed),
        "numberBatchesCompleted": len(done),
        "numberBatchesFailed": len(failed),
        "numberBatchesTotal": len(job.batches),
        "numberRecordsProcessed": sum(batch.rows_done for batch in done),
        "numberRetries": 0,
        "apiVersion": float(job.version),
    }


def _batch_info(job: Bulk1Job, batch: QueryJob) -> dict[str, Any]:
    return {
        "id": batch.batch_id,
        "jobId": job.id,
        "state": _BATCH_STATES[batch.state],
        "stateMessage": batch.error_message,
        "createdDate": job.created,
        "systemModstamp": job.created,
        "numberRecordsProcessed": batch.rows_done,
        "numberRecordsFailed": 0,
        "totalProcessingTime": 0,
    }


def _answer(is_json: bool, element: str, info: dict[str, Any], status: int = 200) -> Response:
    if is_json:
        return json_response(info, status)
    return _xml(f'<{element} xmlns="{_NAMESPACE}">{_xml_fields(info)}</{element}>', status)


def _xml_fields(info: dict[str, Any]) -> str:
    return "".join(f"<{k}>{escape(str(v))}</{k}>" for k, v in info.items() if v is not None)


def _xml(body: str, status: int = 200) -> Response:
    return Response(f'<?xml version="1.0" encoding="UTF-8"?>{body}', status, media_type="application/xml")
