"""The calls that read one object type: list, search, batch read, associations; each whole or a failure."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

from connectors.hubspot import failures
from connectors.hubspot.answers import AssociationBatch, AssociationResult, Found, FoundIds, RawBatch, RawList
from connectors.hubspot.objects import modified_property
from connectors.hubspot.paths import ApiPaths
from connectors.hubspot.records import Record
from connectors.hubspot.transport import Call, Transport

LIST_LIMIT = BATCH_LIMIT = 100
HISTORY_LIMIT = 50
SEARCH_LIMIT = 200
ASSOCIATION_INPUTS = 1000
URL_PROPERTY_CHARACTERS = 12_000
PART_ATTEMPTS = 3
WORKERS = 12

log = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Wanted:
    """What is read of an object type.

    object_type: the name in addresses (`2-123` for a custom object). pairs: object types whose links are
    read, with their names in addresses.
    """

    stream: str
    object_type: str
    properties: tuple[str, ...]
    history: tuple[str, ...] = ()
    pairs: Mapping[str, str] | None = None

    @property
    def page_limit(self) -> int:
        """Records an answer can hold."""
        return HISTORY_LIMIT if self.history else LIST_LIMIT

    @property
    def has_changes(self) -> bool:
        """Whether the object tells when a record changed, so that changes can be searched for."""
        return modified_property(self.object_type) in self.properties

    @property
    def fits_url(self) -> bool:
        """Whether the list endpoint can be asked for all properties."""
        return len(quote(",".join(self.properties + self.history))) <= URL_PROPERTY_CHARACTERS


class ObjectApi:
    """Calls of one account about one object type, several at a time."""

    def __init__(self, transport: Transport, paths: ApiPaths, pool: ThreadPoolExecutor, wanted: Wanted) -> None:
        self._transport, self._paths, self._pool, self.wanted = transport, paths, pool, wanted

    def list_page(self, after: str | None, *, archived: bool, ids_only: bool = False) -> RawList:
        """One page in the order of ids; with all that is wanted, or only ids."""
        wanted = self.wanted
        query: dict[str, str | int] = {"limit": self.page_limit(ids_only=ids_only)}
        query["properties"] = "hs_object_id" if ids_only else ",".join(wanted.properties)
        if wanted.history and not ids_only:
            query["propertiesWithHistory"] = ",".join(wanted.history)
        if after:
            query["after"] = after
        query["archived"] = "true" if archived else "false"
        return self._transport.ask(Call("GET", self._paths.objects(wanted.object_type), query), RawList)

    def page_limit(self, *, ids_only: bool) -> int:
        """Records a page of the list can hold."""
        return LIST_LIMIT if ids_only else self.wanted.page_limit

    def search_changed(self, since: datetime, until: datetime, last_id: str) -> FoundIds:
        """Up to 200 ids greater than `last_id`, ascending, of records changed inside fixed bounds."""
        changed = modified_property(self.wanted.object_type)
        filters = [
            {"propertyName": changed, "operator": "GTE", "value": _epoch_ms(since)},
            {"propertyName": changed, "operator": "LT", "value": _epoch_ms(until)},
            {"propertyName": "hs_object_id", "operator": "GT", "value": last_id},
        ]
        body = {
            "filterGroups": [{"filters": filters}],
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": ["hs_object_id"],
            "limit": SEARCH_LIMIT,
        }
        return self._transport.ask(self._search(body), FoundIds)

    def newest(self) -> FoundIds:
        """The record with the highest id, and how many there are."""
        sorts = [{"propertyName": "hs_object_id", "direction": "DESCENDING"}]
        body = {"filterGroups": [], "sorts": sorts, "properties": ["hs_object_id"], "limit": 1}
        return self._transport.ask(self._search(body), FoundIds)

    def total(self) -> int:
        """Records that exist, archived ones not counted."""
        body = {"filterGroups": [], "properties": ["hs_object_id"], "limit": 1}
        return self._transport.ask(self._search(body), Found).total

    def records(self, ids: Sequence[str], *, archived: bool = False) -> list[Record]:
        """These records in the order given; those that are gone by now are left out."""
        pieces = _pieces(ids, self.wanted.page_limit)
        found = self.each(lambda piece: self._batch(piece, archived=archived), pieces)
        return [record for records in found for record in records]

    def associations(self, to_object: str, ids: Sequence[str]) -> list[AssociationResult]:
        """All links of these records to one object type, every page of them."""
        path = self._paths.associations(self.wanted.object_type, to_object)
        found: list[AssociationResult] = []
        inputs: list[dict[str, str]] = [{"id": i} for i in ids]
        while inputs:
            answers = [self._linked(path, piece) for piece in _pieces(inputs, ASSOCIATION_INPUTS)]
            results = [result for answer in answers for result in answer.results]
            found += results
            inputs = [
                {"id": str(r.source.id), "after": str(r.paging.next.after)}
                for r in results
                if r.paging and r.paging.next
            ]
        return found

    def each(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Results in the order of the items, worked on side by side. Work must not wait for this pool."""
        waiting: list[Future[Result]] = [self._pool.submit(work, item) for item in items]
        try:
            for future in waiting:
                yield future.result()
        finally:
            for future in waiting:
                future.cancel()

    def _search(self, body: Mapping[str, Any]) -> Call:
        return Call("POST", self._paths.search(self.wanted.object_type), body=body, is_search=True)

    def _batch(self, ids: Sequence[str], *, archived: bool) -> list[Record]:
        """One batch read. Ids that are missing without a reason are asked for once more."""
        wanted: Sequence[str] = ids
        found: dict[str, Record] = {}
        for attempt in range(1, PART_ATTEMPTS + 1):
            answer = self._transport.ask(self._batch_call(wanted, archived=archived), RawBatch)
            found |= {record.id: record for record in map(Record.of, answer.results)}
            wanted = [i for i in ids if i not in found]
            has_failed = any(not error.is_absence for error in answer.errors)
            if not wanted or (not has_failed and (answer.errors or attempt > 1)):
                break
        else:
            raise failures.part_still_failing(PART_ATTEMPTS, "POST batch/read")
        if wanted:
            log.info("event=records_gone stream=%s records=%d", self.wanted.stream, len(wanted))
        return [found[i] for i in ids if i in found]

    def _batch_call(self, ids: Sequence[str], *, archived: bool) -> Call:
        wanted = self.wanted
        body: dict[str, Any] = {"inputs": [{"id": i} for i in ids], "properties": list(wanted.properties)}
        body["propertiesWithHistory"] = list(wanted.history)
        query = {"archived": "true" if archived else "false"}
        return Call("POST", self._paths.batch_read(wanted.object_type), query, body)

    def _linked(self, path: str, inputs: Sequence[Mapping[str, str]]) -> AssociationBatch:
        """One batch of links; a part that failed is never skipped."""
        call = Call("POST", path, body={"inputs": list(inputs)})
        for _ in range(PART_ATTEMPTS):
            answer = self._transport.ask(call, AssociationBatch)
            if all(error.is_absence for error in answer.errors):
                return answer
        raise failures.part_still_failing(PART_ATTEMPTS, call.where)


def _pieces(items: Sequence[Item], size: int) -> list[Sequence[Item]]:
    return [items[i : i + size] for i in range(0, len(items), size)]


def _epoch_ms(at: datetime) -> str:
    return str(round(at.timestamp() * 1000))
