"""Associations: v4 (labelled, paged inside each record) and v3."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from crmlift.simulator.hubspot.errors import validation
from crmlift.simulator.hubspot.object_types import ObjectType
from crmlift.simulator.hubspot.objects import batch_answer, input_ids, integer, next_page, object_body
from crmlift.simulator.hubspot.portal import AssociationKind, portal_of, type_of
from crmlift.simulator.responses import base_url, json_response

_MOST_INPUTS = 1_000
_MOST_A_PAGE = 500
Linked = dict[str, list[AssociationKind]]


async def batch_read(request: Request) -> Response:
    """POST /crm/v4/associations/{from}/{to}/batch/read; 207 when some of the records have none."""
    portal, ends = portal_of(request), _ends(request)
    body = await object_body(request)
    ids = input_ids(body)
    if len(ids) > _MOST_INPUTS:
        raise validation(f"Too many inputs: at most {_MOST_INPUTS} are allowed")
    afters = {str(i["id"]): str(i.get("after") or "0") for i in body["inputs"]}
    links, size = portal.links(*ends), portal.options.association_page_size
    is_dated = "/associations/20" in request.url.path
    results, errors = [], []
    for record_id in dict.fromkeys(ids):
        found = links.get(record_id)
        if not found:
            errors.append(_no_associations(record_id, *ends))
            continue
        page, following = _page(found, integer(afters[record_id], "after", 0), size)
        result: dict[str, Any] = {
            "from": {"id": record_id},
            "to": [_labelled(i, found[i], is_text=is_dated) for i in page],
        }
        if following:
            path = f"/crm/v4/objects/{ends[0].type_id}/{record_id}/associations/{ends[1].type_id}"
            link = f"{base_url(request)}{path}?after={following}"
            result["paging"] = {"next": {"after": following, "link": link}}
        results.append(result)
    return batch_answer(portal, results, errors)


async def of_record(request: Request) -> Response:
    """GET /crm/v4/objects/{type}/{id}/associations/{to}?limit=&after=."""
    page, found, answer = _record_page(request)
    return json_response({"results": [_labelled(i, found[i], is_text=False) for i in page]} | answer)


async def batch_read_v3(request: Request) -> Response:
    """POST /crm/v3/associations/{from}/{to}/batch/read."""
    portal, ends = portal_of(request), _ends(request)
    links = portal.links(*ends)
    ids = dict.fromkeys(input_ids(await object_body(request)))
    results = [{"from": {"id": i}, "to": _plain(links[i], ends)} for i in ids if i in links]
    return batch_answer(portal, results, [_no_associations(i, *ends) for i in ids if i not in links])


async def of_record_v3(request: Request) -> Response:
    """GET /crm/v3/objects/{type}/{id}/associations/{to}."""
    page, found, answer = _record_page(request)
    return json_response({"results": _plain({i: found[i] for i in page}, _ends(request))} | answer)


async def labels(request: Request) -> Response:
    """GET /crm/v4/associations/{from}/{to}/labels."""
    links = portal_of(request).links(*_ends(request))
    kinds = {kind for linked in links.values() for found in linked.values() for kind in found}
    results = [_kind(kind) for kind in sorted(kinds, key=lambda k: (k[0], k[1], k[2] or ""))]
    return json_response({"results": results})


def _ends(request: Request) -> tuple[ObjectType, ObjectType]:
    return type_of(request, "from_type"), type_of(request, "to_type")


def _record_page(request: Request) -> tuple[list[str], Linked, dict[str, Any]]:
    found = portal_of(request).links(*_ends(request)).get(request.path_params["record_id"], {})
    query = request.query_params
    limit = min(integer(query.get("limit"), "limit", _MOST_A_PAGE), _MOST_A_PAGE)
    page, following = _page(found, integer(query.get("after"), "after", 0), limit)
    return page, found, {"paging": next_page(request, following)} if following else {}


def _page(found: Linked, after: int, size: int) -> tuple[list[str], str]:
    ids = sorted(found, key=int)
    start = bisect_left(ids, after, key=int)
    end = start + size
    return ids[start:end], ids[end] if end < len(ids) else ""


def _labelled(to_id: str, kinds: list[AssociationKind], *, is_text: bool) -> dict[str, Any]:
    shown: int | str = to_id if is_text or not to_id.isdigit() else int(to_id)
    return {"toObjectId": shown, "associationTypes": [_kind(kind) for kind in kinds]}


def _kind(kind: AssociationKind) -> dict[str, Any]:
    return {"category": kind[0], "typeId": kind[1], "label": kind[2]}


def _plain(found: Linked, ends: tuple[ObjectType, ObjectType]) -> list[dict[str, str]]:
    name = f"{ends[0].singular}_to_{ends[1].singular}"
    return [{"id": i, "type": name} for i in sorted(found, key=int)]


def _no_associations(record_id: str, from_type: ObjectType, to_type: ObjectType) -> dict[str, Any]:
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": f"No {to_type.singular} is associated with {from_type.singular} {record_id}.",
        "context": {
            "fromObjectId": [record_id],
            "fromObjectType": [from_type.singular],
            "toObjectType": [to_type.singular],
        },
    }
