"""What an account is made of: properties, pipelines, owners, custom object schemas."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from crmlift.simulator.company import SimField
from crmlift.simulator.hubspot.errors import HubSpotError, resource_not_found
from crmlift.simulator.hubspot.object_types import ObjectType
from crmlift.simulator.hubspot.objects import integer, next_page
from crmlift.simulator.hubspot.portal import HubSpotPortal, default_fields, portal_of, type_of
from crmlift.simulator.hubspot.records import instant
from crmlift.simulator.options import HS_PORTAL_ID
from crmlift.simulator.responses import json_response

_CREATED = "2020-06-30T15:57:37.277Z"
_FIELD_TYPES = {
    "string": "text", "number": "number", "datetime": "date", "date": "date", "bool": "booleancheckbox",
    "enumeration": "select",
}  # fmt: skip
_STAGE_PERMISSIONS = "CRM_PERMISSIONS_ENFORCEMENT"
_MOST_OWNERS = 500
_DEFAULT_OWNERS = 100


async def properties(request: Request) -> Response:
    """GET /crm/v3/properties/{type}."""
    kind = type_of(request)
    if request.query_params.get("archived", "false").lower() == "true":
        return json_response({"results": []})
    return json_response({"results": _properties(portal_of(request), kind)})


async def legacy_properties(request: Request) -> Response:
    """GET /properties/v1|v2/{type}/properties: a bare array."""
    shown = _properties(portal_of(request), type_of(request))
    return json_response([item | {"calculated": item["calculated"], "deleted": False} for item in shown])


async def single_property(request: Request) -> Response:
    """GET /crm/v3/properties/{type}/{name}."""
    kind, name = type_of(request), request.path_params["name"]
    found = next((p for p in _properties(portal_of(request), kind) if p["name"] == name), None)
    if found is None:
        raise HubSpotError(404, f'Property "{name}" does not exist', "OBJECT_NOT_FOUND")
    return json_response(found)


def _properties(portal: HubSpotPortal, kind: ObjectType) -> list[dict[str, Any]]:
    fields = {field.name: field for field in portal.table(kind).table.fields}
    for field in default_fields(kind):
        fields.setdefault(field.name, field)
    return [_property(kind, field, order) for order, field in enumerate(fields.values())]


def _property(kind: ObjectType, field: SimField, order: int) -> dict[str, Any]:
    is_standard = not field.name.endswith("__c")
    return {
        "updatedAt": _CREATED,
        "createdAt": _CREATED,
        "name": field.name,
        "label": field.label or field.name.replace("_", " ").capitalize(),
        "type": field.type,
        "fieldType": _FIELD_TYPES.get(field.type, "text"),
        "description": "",
        "groupName": f"{kind.singular}information",
        "options": [
            {"label": value, "value": value, "displayOrder": number, "hidden": False}
            for number, value in enumerate(field.options)
        ],
        "displayOrder": order,
        "calculated": field.is_calculated,
        "externalOptions": False,
        "archived": False,
        "hasUniqueValue": field.name == "hs_object_id",
        "hidden": False,
        "hubspotDefined": is_standard,
        "modificationMetadata": {
            "archivable": True,
            "readOnlyDefinition": is_standard,
            "readOnlyValue": field.is_calculated or field.name.startswith("hs_"),
        },
        "formField": False,
        "dataSensitivity": "non_sensitive",
    }


async def pipelines(request: Request) -> Response:
    """GET /crm/v3/pipelines/{type}."""
    return json_response({"results": _pipelines(request)})


async def pipeline(request: Request) -> Response:
    """GET /crm/v3/pipelines/{type}/{pipeline}."""
    return json_response(_pipeline(request))


async def stages(request: Request) -> Response:
    """GET /crm/v3/pipelines/{type}/{pipeline}/stages."""
    return json_response({"results": _pipeline(request).get("stages", [])})


async def pipeline_audit(request: Request) -> Response:
    """GET /crm/v3/pipelines/{type}/{pipeline}/audit: newest first, each with the pipeline as it was afterwards."""
    now, company = _pipeline(request), portal_of(request).served.company
    current = {str(stage["id"]): str(stage["label"]) for stage in now.get("stages", [])}
    edits = company.pipeline_edits.get(str(now["id"]), [(now["createdAt"], current)])
    results = [
        {
            "portalId": HS_PORTAL_ID,
            "identifier": str(now["id"]),
            "action": "UPDATE" if number else "CREATE",
            "timestamp": jsonable(at),
            "fromUserId": None,
            "message": None,
            "rawObject": {"label": now["label"], "stages": [{"stageId": i, "label": x} for i, x in labels.items()]},
        }
        for number, (at, labels) in enumerate(edits)
    ]
    return json_response({"results": results[::-1]})


def _pipelines(request: Request) -> list[dict[str, Any]]:
    found = portal_of(request).served.company.pipelines.get(type_of(request).plural, [])
    shown: list[dict[str, Any]] = [jsonable(item) for item in found]
    for item in shown:
        item["stages"] = [{"writePermissions": _STAGE_PERMISSIONS, **stage} for stage in item.get("stages", [])]
    return shown


def _pipeline(request: Request) -> dict[str, Any]:
    wanted = request.path_params["pipeline_id"]
    found = next((item for item in _pipelines(request) if str(item.get("id")) == wanted), None)
    if found is None:
        raise resource_not_found()
    return found


async def owners(request: Request) -> Response:
    """GET /crm/v3/owners?limit=&after=&archived=&email=."""
    query = request.query_params
    is_archived = query.get("archived", "false").lower() == "true"
    email = query.get("email")
    found = sorted(
        (
            owner
            for owner in portal_of(request).served.company.owners
            if bool(owner.get("archived")) == is_archived and (email is None or owner.get("email") == email)
        ),
        key=lambda owner: int(owner["id"]),
    )
    limit = min(integer(query.get("limit"), "limit", _DEFAULT_OWNERS), _MOST_OWNERS)
    after = integer(query.get("after"), "after", 0)
    found = [owner for owner in found if int(owner["id"]) >= after]
    answer: dict[str, Any] = {"results": [jsonable(owner) for owner in found[:limit]]}
    if len(found) > limit:
        answer["paging"] = next_page(request, str(found[limit]["id"]))
    return json_response(answer)


async def owner(request: Request) -> Response:
    """GET /crm/v3/owners/{id}?idProperty=userId."""
    key = "userId" if request.query_params.get("idProperty") == "userId" else "id"
    wanted = request.path_params["owner_id"]
    found = next((o for o in portal_of(request).served.company.owners if str(o.get(key)) == wanted), None)
    if found is None:
        raise resource_not_found()
    return json_response(jsonable(found))


async def schemas(request: Request) -> Response:
    """GET /crm/v3/schemas: the custom objects."""
    portal = portal_of(request)
    return json_response({"results": [_schema(portal, kind) for kind in portal.custom_types()]})


async def schema(request: Request) -> Response:
    """GET /crm/v3/schemas/{type}."""
    return json_response(_schema(portal_of(request), type_of(request)))


def _schema(portal: HubSpotPortal, kind: ObjectType) -> dict[str, Any]:
    label = kind.plural.replace("_", " ").title()
    return {
        "id": kind.type_id.partition("-")[2],
        "objectTypeId": kind.type_id,
        "name": kind.plural,
        "fullyQualifiedName": f"p{HS_PORTAL_ID}_{kind.plural}" if kind.is_custom else kind.plural.upper(),
        "labels": {"singular": label, "plural": label},
        "requiredProperties": [],
        "searchableProperties": [],
        "secondaryDisplayProperties": [],
        "primaryDisplayProperty": "hs_object_id",
        "properties": _properties(portal, kind),
        "associations": [],
        "archived": False,
        "createdAt": _CREATED,
        "updatedAt": _CREATED,
    }


def jsonable(value: Any) -> Any:
    """Instants as the vendor writes them, everything else as it is."""
    if isinstance(value, dict):
        return {key: jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    return instant(value) if hasattr(value, "tzinfo") else value
