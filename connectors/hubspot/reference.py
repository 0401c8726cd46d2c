"""Small complete reads: owners, pipelines, stages; and log-ins, which HubSpot keeps for 90 days."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from connectors.contract import Checkpoint, Page, Window
from connectors.hubspot.answers import Pipeline, Pipelines, RawList, Stage
from connectors.hubspot.failures import ObjectAbsent, ScopeMissing
from connectors.hubspot.objects import PIPELINE_OBJECTS, REQUIRED_OBJECTS
from connectors.hubspot.paths import ApiPaths
from connectors.hubspot.records import instant, lines_page, one_line, rows_page
from connectors.hubspot.schemas import LOGIN_ACTIVITY, OWNERS, PIPELINE_STAGES, PIPELINES
from connectors.hubspot.transport import Call, Transport

PAGE_LIMIT = 100
LOGIN_LIMIT = 200
LOGIN_PAGES_A_PART = 25


class LoginHead(msgspec.Struct, rename="camel"):
    """What the connector looks at in a log-in."""

    login_at: str | int


class ReferenceReader:
    """Reads of the streams that are not CRM objects."""

    def __init__(self, transport: Transport, paths: ApiPaths) -> None:
        self._transport, self._paths = transport, paths

    def pages(self, stream: str, window: Window, checkpoint: Checkpoint | None) -> Iterator[Page]:
        """All pages of one of the fixed streams."""
        if stream == OWNERS.stream:
            yield from self._owners()
        elif stream == PIPELINES.stream:
            yield rows_page(stream, (_pipeline_row(kind, p) for kind, p in self._pipelines()))
        elif stream == PIPELINE_STAGES.stream:
            rows = (_stage_row(kind, p, s) for kind, p in self._pipelines() for s in p.stages)
            yield rows_page(stream, rows)
        else:
            yield from self._logins(window.since, checkpoint)

    def _owners(self) -> Iterator[Page]:
        for archived in ("false", "true"):
            query = {"limit": PAGE_LIMIT, "archived": archived}
            for answer in self._listed(self._paths.owners, query):
                yield lines_page(OWNERS.stream, [one_line(raw) for raw in answer.results])

    def _pipelines(self) -> Iterator[tuple[str, Pipeline]]:
        for object_type in PIPELINE_OBJECTS:
            try:
                answer = self._transport.ask(Call("GET", self._paths.pipelines(object_type)), Pipelines)
            except (ObjectAbsent, ScopeMissing) as refusal:
                if object_type in REQUIRED_OBJECTS and isinstance(refusal, ScopeMissing):
                    raise  # what was read of them before is not gone
                continue  # the object itself is reported when streams are probed
            yield from ((object_type, pipeline) for pipeline in answer.results)

    def _logins(self, since: datetime | None, checkpoint: Checkpoint | None) -> Iterator[Page]:
        """Newest first where HubSpot keeps to that: then reading ends at the window's start."""
        lines: list[bytes] = []
        query = {"limit": LOGIN_LIMIT}
        after = checkpoint.get("after") if checkpoint else None
        if checkpoint and not after:
            return
        for number, answer in enumerate(self._listed(self._paths.login_activity, query, after), start=1):
            lines += map(one_line, answer.results)
            is_over = not answer.after or _is_before(answer.results, since)
            if is_over or number % LOGIN_PAGES_A_PART == 0:
                yield lines_page(LOGIN_ACTIVITY.stream, lines, {"after": None if is_over else answer.after})
                lines = []
            if is_over:
                return

    def _listed(self, path: str, query: dict[str, Any], after: str | None = None) -> Iterator[RawList]:
        while True:
            paged = {**query, "after": after} if after else query
            answer = self._transport.ask(Call("GET", path, paged), RawList)
            yield answer
            after = answer.after
            if not after:
                return


def _is_before(raws: Iterable[msgspec.Raw], since: datetime | None) -> bool:
    """Whether a page runs from new to old and lies wholly before the window."""
    if since is None:
        return False
    times = [instant(msgspec.json.decode(raw, type=LoginHead).login_at) for raw in raws]
    return bool(times) and times == sorted(times, reverse=True) and times[0] < since


def _pipeline_row(object_type: str, pipeline: Pipeline) -> dict[str, Any]:
    return {
        "object_type": object_type,
        "pipeline_id": pipeline.id,
        "label": pipeline.label,
        "display_order": pipeline.display_order,
        "archived": pipeline.archived,
    }


def _stage_row(object_type: str, pipeline: Pipeline, stage: Stage) -> dict[str, Any]:
    meta = stage.metadata
    state = meta.get("ticketState")
    is_closed = meta.get("isClosed")
    if is_closed is None and state is not None:
        is_closed = str(state == "CLOSED").lower()
    return {
        "object_type": object_type,
        "pipeline_id": pipeline.id,
        "stage_id": stage.id,
        "label": stage.label,
        "display_order": stage.display_order,
        "is_closed": is_closed,
        "probability": meta.get("probability"),
        "ticket_state": state,
        "archived": stage.archived or pipeline.archived,
        "created_at": stage.created_at,
        "updated_at": stage.updated_at,
        "archived_at": stage.archived_at or pipeline.archived_at,
    }
