"""Small complete reads of what an account has set up: past stage labels, teams, currencies, property definitions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from connectors.contract import Page
from connectors.hubspot.answers import PipelineEdits, Pipelines, PropertyDefinition, RawList
from connectors.hubspot.failures import ObjectAbsent, ScopeMissing
from connectors.hubspot.objects import PIPELINE_OBJECTS
from connectors.hubspot.paths import ApiPaths
from connectors.hubspot.records import lines_page, one_line, rows_page
from connectors.hubspot.schemas import EXCHANGE_RATES, PROPERTIES, STAGE_LABELS, TEAMS
from connectors.hubspot.transport import Call, Transport

PAGE_LIMIT = 100


class DescriptionReader:
    """Reads of one account. properties: the definitions of an object, asked for once a run."""

    def __init__(
        self,
        transport: Transport,
        paths: ApiPaths,
        objects: Sequence[str],
        properties: Callable[[str], list[PropertyDefinition]],
    ) -> None:
        self._transport, self._paths, self._objects, self._properties = transport, paths, objects, properties

    def pages(self, stream: str) -> Iterator[Page]:
        """All pages of one of the optional streams."""
        if stream == STAGE_LABELS.stream:
            yield rows_page(stream, self._stage_labels())
        elif stream == TEAMS.stream:
            yield lines_page(stream, self._lines(self._paths.teams))
        elif stream == EXCHANGE_RATES.stream:
            yield lines_page(stream, self._lines(self._paths.exchange_rates))
        else:
            assert stream == PROPERTIES.stream
            yield rows_page(stream, self._property_rows())

    def _lines(self, path: str) -> list[bytes]:
        lines: list[bytes] = []
        after: str | None = None
        while True:
            query: dict[str, str | int] = {"limit": PAGE_LIMIT, "after": after} if after else {"limit": PAGE_LIMIT}
            answer = self._transport.ask(Call("GET", path, query), RawList)
            lines += map(one_line, answer.results)
            after = answer.after
            if not after:
                return lines

    def _stage_labels(self) -> Iterator[dict[str, Any]]:
        """Every label a stage has had and the edits between which it was seen; the one it has now has no end."""
        for object_type in PIPELINE_OBJECTS:
            try:
                answer = self._transport.ask(Call("GET", self._paths.pipelines(object_type)), Pipelines)
            except (ObjectAbsent, ScopeMissing):
                continue  # the object itself is reported when streams are probed
            for pipeline in answer.results:
                now = {stage.id: stage.label for stage in pipeline.stages}
                seen = self._labels_seen(object_type, pipeline.id)
                unseen = {(stage_id, label or ""): (None, None) for stage_id, label in now.items()}
                for (stage_id, label), (first, last) in (unseen | seen).items():
                    end = None if label == now.get(stage_id) else last
                    yield {
                        "object_type": object_type,
                        "pipeline_id": pipeline.id,
                        "stage_id": stage_id,
                        "label": label,
                        "first_seen_at": first,
                        "last_seen_at": end,
                    }

    def _labels_seen(self, object_type: str, pipeline_id: str) -> dict[tuple[str, str], tuple[str | None, str | None]]:
        path = self._paths.pipeline_audit(object_type, pipeline_id)
        try:
            edits = self._transport.ask(Call("GET", path), PipelineEdits).results
        except (ObjectAbsent, ScopeMissing):
            return {}  # then the labels of today are all that is known
        seen: dict[tuple[str, str], tuple[str | None, str | None]] = {}
        for edit in sorted((e for e in edits if e.timestamp and e.raw_object), key=lambda e: e.timestamp or ""):
            assert edit.timestamp and edit.raw_object
            for stage in edit.raw_object.stages:
                key = (stage.id or stage.stage_id or "", stage.label or "")
                seen[key] = (seen.get(key, (edit.timestamp, None))[0], edit.timestamp)
        return seen

    def _property_rows(self) -> Iterator[dict[str, Any]]:
        for stream in self._objects:
            for definition in self._properties(stream):
                yield _property_row(stream, definition)


def _property_row(stream: str, definition: PropertyDefinition) -> dict[str, Any]:
    return {
        "object_type": stream,
        "name": definition.name,
        "label": definition.label,
        "type": definition.type,
        "field_type": definition.field_type,
        "group_name": definition.group_name,
        "options": msgspec.to_builtins(definition.options),
        "is_calculated": definition.calculated,
        "is_defined_by_hubspot": definition.hubspot_defined,
        "archived": definition.archived,
        "created_at": definition.created_at,
        "updated_at": definition.updated_at,
    }
