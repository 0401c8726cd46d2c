"""Objects: list, single read, batch read."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from crmlift.simulator.hubspot.errors import HubSpotError, resource_not_found, validation
from crmlift.simulator.hubspot.portal import HubSpotPortal, names_of, portal_of, type_of
from crmlift.simulator.hubspot.records import RecordEncoder, instant, property_text
from crmlift.simulator.responses import base_url, json_body, json_response
from crmlift.simulator.served import Row, ServedTable

_DEFAULT_LIMIT = 10
_MOST_A_PAGE = 100
_MOST_WITH_HISTORY = 50
_MOST_INPUTS = 100
_NO_ARCHIVED_LISTING = frozenset({"meetings"})


async def listing(request: Request) -> Response:
    """GET /crm/v3/objects/{type}, in the order of ids."""
    portal, kind = portal_of(request), type_of(request)
    table, query = portal.records(kind), request.query_params
    encoder = _encoder(request, table)
    limit = integer(query.get("limit"), "limit", _DEFAULT_LIMIT)
    most = _MOST_WITH_HISTORY if encoder.history else _MOST_A_PAGE
    if not 0 < limit <= most:
        raise validation(f"limit must be between 1 and {most}")
    is_archived = query.get("archived", "false").lower() == "true"
    if is_archived and kind.plural in _NO_ARCHIVED_LISTING:
        raise HubSpotError(400, "Paging through deleted objects is not yet supported")
    rows, following = _page(table, integer(query.get("after"), "after", 0), limit, is_archived)
    answer: dict[str, Any] = {"results": [encoder.encode(row) for row in rows]}
    if following is not None:
        answer["paging"] = next_page(request, following)
    return json_response(answer)


async def single(request: Request) -> Response:
    """GET /crm/v3/objects/{type}/{id}?idProperty=."""
    table = portal_of(request).records(type_of(request))
    is_archived = request.query_params.get("archived", "false").lower() == "true"
    row = find_record(table, request.path_params["record_id"], request.query_params.get("idProperty"))
    if row is None or bool(row.get("archived")) != is_archived:
        raise resource_not_found()
    return json_response(_encoder(request, table).encode(row))


async def batch_read(request: Request) -> Response:
    """POST /crm/v3/objects/{type}/batch/read: 200, or 207 with errors for ids that are not there."""
    portal, kind = portal_of(request), type_of(request)
    table, body = portal.records(kind), await object_body(request)
    history = tuple(body.get("propertiesWithHistory") or ())
    ids = input_ids(body)
    if history and len(ids) > _MOST_WITH_HISTORY:
        raise validation(
            "The maximum number of inputs supported in a batch request for property histories is "
            f"{_MOST_WITH_HISTORY}. Please reduce the number of items and try again"
        )
    if len(ids) > _MOST_INPUTS:
        raise validation(
            f"The maximum number of inputs supported in a batch request is {_MOST_INPUTS}. "
            "Please reduce the number of items and try again"
        )
    encoder = RecordEncoder(portal, kind, table, tuple(body.get("properties") or ()), history)
    is_archived = request.query_params.get("archived", "false").lower() == "true"
    found = {i: find_record(table, i, body.get("idProperty")) for i in dict.fromkeys(ids)}
    rows = [row for row in found.values() if row is not None and bool(row.get("archived")) == is_archived]
    missing = [i for i, row in found.items() if row is None or bool(row.get("archived")) != is_archived]
    return batch_answer(portal, [encoder.encode(row) for row in rows], _missing(kind.singular, missing))


def _missing(singular: str, ids: list[str]) -> list[dict[str, Any]]:
    if not ids:
        return []
    message = (
        f"Could not get some {singular.upper()} objects, they may be deleted or not exist. Check that ids are valid."
    )
    return [{"status": "error", "category": "OBJECT_NOT_FOUND", "message": message, "context": {"ids": ids}}]


def batch_answer(
    portal: HubSpotPortal, results: list[Any], errors: list[dict[str, Any]], count: int | None = None
) -> Response:
    """The envelope of batch endpoints."""
    now = instant(portal.served.clock.now())
    answer: dict[str, Any] = {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
    if errors:
        answer |= {"numErrors": count or len(errors), "errors": errors}
    return json_response(answer, 207 if errors else 200)


def find_record(table: ServedTable, record_id: str, id_property: str | None) -> Row | None:
    """A record by id, or by a property with unique values."""
    if not id_property or id_property == "hs_object_id":
        return table.find(record_id)
    wanted = record_id.lower()
    return next((row for row in table.rows if str(property_text(row.get(id_property)) or "").lower() == wanted), None)


def _page(table: ServedTable, after: int, limit: int, is_archived: bool) -> tuple[list[Row], int | None]:
    rows, numbers = table.ordered()
    found: list[Row] = []
    for at in range(table.position(after), len(rows)):
        if bool(rows[at].get("archived")) != is_archived:
            continue
        if len(found) == limit:
            return found, numbers[at]
        found.append(rows[at])
    return found, None


def _encoder(request: Request, table: ServedTable) -> RecordEncoder:
    query, portal = request.query_params, portal_of(request)
    associations = [portal.object_type(n) for n in names_of(query.getlist("associations"))]
    return RecordEncoder(
        portal,
        type_of(request),
        table,
        names_of(query.getlist("properties")),
        names_of(query.getlist("propertiesWithHistory")),
        associations,
    )


def next_page(request: Request, after: int | str) -> dict[str, Any]:
    """`paging`, whose link keeps the whole query."""
    kept = [(k, v) for k, v in request.query_params.multi_items() if k != "after"]
    link = f"{base_url(request)}{request.url.path}?{urlencode([*kept, ('after', after)])}"
    return {"next": {"after": str(after), "link": link}}


def integer(text: str | None, name: str, default: int) -> int:
    """A number from the query string."""
    if text is None or text == "":
        return default
    if not text.isdigit():
        raise validation(f"Unable to parse value for query parameter {name}: {text}")
    return int(text)


async def object_body(request: Request) -> dict[str, Any]:
    """The request's JSON object."""
    try:
        body = await json_body(request)
    except ValueError as cause:
        raise HubSpotError(400, f"Invalid input JSON: {cause}") from cause
    if not isinstance(body, dict):
        raise HubSpotError(400, "Invalid input JSON: an object is expected")
    return body


def input_ids(body: dict[str, Any]) -> list[str]:
    """The ids of a batch body."""
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(i, dict) and "id" in i for i in inputs):
        raise validation("Invalid input JSON: inputs with ids are expected")
    return [str(i["id"]) for i in inputs]
