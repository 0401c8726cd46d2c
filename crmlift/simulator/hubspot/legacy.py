"""Addresses of the oldest generation that clients in use still call."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from crmlift.simulator.hubspot.object_types import ObjectType
from crmlift.simulator.hubspot.portal import portal_of, type_of
from crmlift.simulator.responses import json_response


async def pipelines(request: Request) -> Response:
    """GET /crm-pipelines/v1/pipelines/{type}: other names than v3, instants as epoch milliseconds."""
    kind = type_of(request)
    found = portal_of(request).served.company.pipelines.get(kind.plural, [])
    return json_response({"results": [_pipeline(kind, pipeline) for pipeline in found]})


def _pipeline(kind: ObjectType, pipeline: dict[str, Any]) -> dict[str, Any]:
    return {
        "pipelineId": pipeline["id"],
        "objectType": kind.singular.upper(),
        "objectTypeId": kind.type_id,
        "label": pipeline["label"],
        "displayOrder": pipeline["displayOrder"],
        "active": not pipeline["archived"],
        "default": pipeline["id"] == "default",
        "stages": [_stage(stage) for stage in pipeline["stages"]],
        "createdAt": _epoch_ms(pipeline.get("createdAt")),
        "updatedAt": _epoch_ms(pipeline.get("updatedAt")),
    }


def _stage(stage: dict[str, Any]) -> dict[str, Any]:
    return {
        "stageId": stage["id"],
        "label": stage["label"],
        "displayOrder": stage["displayOrder"],
        "metadata": stage["metadata"],
        "active": not stage["archived"],
        "createdAt": _epoch_ms(stage.get("createdAt")),
        "updatedAt": _epoch_ms(stage.get("updatedAt")),
    }


def _epoch_ms(at: str | datetime | None) -> int | None:
    if at is None:
        return None
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    return round(moment.timestamp() * 1000)


async def subscriptions(request: Request) -> Response:
    """GET /email/public/v1/subscriptions: this account sends no marketing mail, so there are no kinds of it."""
    return json_response({"subscriptionDefinitions": []})
