"""A HubSpot account in memory, spoken to through a requests adapter: no sockets, no waiting."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import requests
from requests.adapters import BaseAdapter

from connectors.contract import Checkpoint, Page, StreamSchema, Window
from connectors.errors import SchemaChanged
from connectors.hubspot.connector import HubspotConnector
from connectors.hubspot.limits import Limiter
from connectors.hubspot.settings import HubspotSecrets, HubspotSource
from connectors.hubspot.transport import Transport

TOKEN = "service-key-of-the-fake"
NOW = datetime(2026, 11, 2, tzinfo=UTC)
TYPES = {"createdate": "datetime", "lastmodifieddate": "datetime", "hs_lastmodifieddate": "datetime"}


def iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class FakeRecord:
    id: str
    properties: dict[str, str | None]
    updated_at: datetime = NOW - timedelta(days=30)
    archived_at: datetime | None = None
    history: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def served(self, names: list[str], with_history: list[str]) -> dict[str, Any]:
        out: dict[str, Any] = {
            "id": self.id,
            "properties": {n: self.properties.get(n) for n in names} | {"hs_object_id": self.id},
            "createdAt": iso(NOW - timedelta(days=90)),
            "updatedAt": iso(self.updated_at),
            "archived": self.archived_at is not None,
        }
        if self.archived_at:
            out["archivedAt"] = iso(self.archived_at)
        if with_history:
            out["propertiesWithHistory"] = {n: self.history[n] for n in with_history if n in self.history}
        return out


@dataclass
class FakeObject:
    properties: dict[str, str]
    records: dict[str, FakeRecord] = field(default_factory=dict)

    def add(self, record_id: int, **properties: str | None) -> FakeRecord:
        record = FakeRecord(str(record_id), dict(properties))
        self.records[record.id] = record
        return record


Answer = tuple[int, Any, dict[str, str]]
Script = Callable[[str, str], "Answer | Exception | None"]


class FakeAccount(BaseAdapter):
    """objects, links: what it holds. script: asked first for every call, may answer or break it."""

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, FakeObject] = {}
        self.links: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = {}
        self.hidden: dict[str, int] = {}
        self.custom: list[dict[str, Any]] = []
        self.owners: list[dict[str, Any]] = []
        self.pipelines: dict[str, list[dict[str, Any]]] = {}
        self.logins: list[dict[str, Any]] = []
        self.script: Script = lambda method, path: None
        self.calls: list[str] = []
        self.search_reach = 10_000
        self.cursors = "inclusive"  # | "exclusive" | "offsets"
        self.association_page = 500
        self.tokens = {TOKEN}
        self.headers: dict[str, str] = {}
        self.on_search: Callable[[], None] = lambda: None
        self._lock = threading.Lock()

    def object(self, name: str, /, **properties: str) -> FakeObject:
        modified = "lastmodifieddate" if name == "contacts" else "hs_lastmodifieddate"
        known = {"hs_object_id": "number", modified: "datetime", "hs_merged_object_ids": "string"}
        return self.objects.setdefault(name, FakeObject(known | properties))

    def link(self, one: str, one_id: str, other: str, other_id: str, **kind: Any) -> None:
        label = {"category": "HUBSPOT_DEFINED", "typeId": 1, "label": None} | kind
        for a, a_id, b, b_id in ((one, one_id, other, other_id), (other, other_id, one, one_id)):
            targets = self.links.setdefault((a, b), {}).setdefault(a_id, [])
            targets.append({"toObjectId": int(b_id), "associationTypes": [label]})

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        with self._lock:
            url = urlsplit(request.url or "")
            self.calls.append(f"{request.method} {url.path}")
            query = {k: v[0] for k, v in parse_qs(url.query).items()}
            scripted = self.script(request.method or "", url.path)
            if isinstance(scripted, Exception):
                raise scripted
            status, body, headers = scripted or self._answer(request, url.path, query)
            return _response(request, status, body, {"Date": _http_date(NOW)} | self.headers | headers)

    def close(self) -> None:
        pass

    def _answer(self, request: requests.PreparedRequest, path: str, query: Mapping[str, str]) -> Answer:
        if path.endswith("/token"):
            self.tokens = {"renewed"}
            return 200, {"access_token": "renewed", "expires_in": 1800, "token_type": "bearer"}, {}
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            return 401, {"status": "error", "category": "INVALID_AUTHENTICATION", "message": "no"}, {}
        body = json.loads(request.body) if request.body else {}
        parts = [p for p in path.split("/") if p and p != "2026-03" and p not in {"v3", "v4"}]
        if parts[-1] == "details":
            return 200, {"portalId": 1, "timeZone": "Europe/Kyiv", "companyCurrency": "EUR"}, {}
        if parts[-1] == "login":
            return self._slice(self.logins, query, 200)
        if parts[-1] == "owners":
            wanted = query.get("archived") == "true"
            return self._slice([o for o in self.owners if o.get("archived", False) is wanted], query, 100)
        if parts[-1] == "schemas":
            return 200, {"results": self.custom}, {}
        if parts[1] == "pipelines":
            return 200, {"results": self.pipelines.get(parts[2], [])}, {}
        return self._of_object(parts, query, body)

    def _of_object(self, parts: list[str], query: Mapping[str, str], body: dict[str, Any]) -> Answer:
        name = parts[2]
        if name in self.hidden:
            context = {"requiredGranularScopes": [f"crm.objects.{name}.read"]}
            return self.hidden[name], {"category": "MISSING_SCOPES", "context": context}, {}
        if parts[1] == "associations":
            return self._linked((name, parts[3]), body)
        if name not in self.objects:
            return 404, {"status": "error", "message": f"Unable to infer object type from: {name}"}, {}
        held = self.objects[name]
        if parts[1] == "properties":
            return 200, {"results": [{"name": n, "type": t, "label": n} for n, t in held.properties.items()]}, {}
        if parts[-1] == "search":
            return self._search(held, body)
        if parts[-1] == "read":
            return self._batch(held, query, body)
        return self._list(held, query)

    def _list(self, held: FakeObject, query: Mapping[str, str]) -> Answer:
        history = [n for n in query.get("propertiesWithHistory", "").split(",") if n]
        limit = int(query["limit"])
        assert limit <= (50 if history else 100), "HubSpot refuses this"
        archived = query.get("archived") == "true"
        rows = sorted(
            (r for r in held.records.values() if (r.archived_at is not None) is archived), key=lambda r: int(r.id)
        )
        rest = self._rest(rows, query.get("after"))
        body: dict[str, Any] = {
            "results": [r.served(query.get("properties", "").split(","), history) for r in rest[:limit]]
        }
        if len(rest) > limit:
            after = {"inclusive": rest[limit].id, "exclusive": rest[limit - 1].id}.get(
                self.cursors, str(len(rows) - len(rest) + limit + 10**9)
            )
            body["paging"] = {"next": {"after": after, "link": "-"}}
        return 200, body, {}

    def _rest(self, rows: list[FakeRecord], after: str | None) -> list[FakeRecord]:
        if after is None:
            return rows
        if self.cursors == "offsets":
            return rows[max(0, int(after) - 10**9) :]
        return [r for r in rows if int(r.id) >= int(after) + (self.cursors == "exclusive")]

    def _search(self, held: FakeObject, body: dict[str, Any]) -> Answer:
        self.on_search()
        found = [r for r in held.records.values() if r.archived_at is None]
        for group in body["filterGroups"]:
            for f in group["filters"]:
                found = [r for r in found if _passes(r, f)]
        found.sort(key=lambda r: int(r.id), reverse=body.get("sorts", [{}])[0].get("direction") == "DESCENDING")
        limit, after = body["limit"], int(body.get("after", 0))
        if limit > 200 or after + limit > self.search_reach:
            return 400, {"status": "error", "category": "VALIDATION_ERROR", "message": "10,000"}, {}
        results = [r.served(body["properties"], []) for r in found[after : after + limit]]
        return 200, {"total": len(found), "results": results}, {}

    def _batch(self, held: FakeObject, query: Mapping[str, str], body: dict[str, Any]) -> Answer:
        ids = [i["id"] for i in body["inputs"]]
        history = body.get("propertiesWithHistory", [])
        assert len(ids) <= (50 if history else 100), "HubSpot refuses this"
        archived = query.get("archived") == "true"
        rows = [held.records.get(i) for i in ids]
        alive = [r for r in rows if r is not None and (r.archived_at is not None) is archived]
        answer: dict[str, Any] = {"results": [r.served(body["properties"], history) for r in reversed(alive)]}
        if len(alive) < len(ids):
            return 207, answer | {"numErrors": 1, "errors": [{"category": "OBJECT_NOT_FOUND"}]}, {}
        return 200, answer, {}

    def _linked(self, pair: tuple[str, str], body: dict[str, Any]) -> Answer:
        assert len(body["inputs"]) <= 1000, "HubSpot refuses this"
        results, held = [], self.links.get(pair, {})
        for one in body["inputs"]:
            targets, start = held.get(one["id"], []), int(one.get("after", 0))
            end = start + self.association_page
            result: dict[str, Any] = {"from": {"id": one["id"]}, "to": targets[start:end]}
            if end < len(targets):
                result["paging"] = {"next": {"after": str(end)}}
            if targets:
                results.append(result)
        errors = [{"category": "OBJECT_NOT_FOUND", "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND"}]
        return 207, {"results": results, "errors": errors}, {}

    def _slice(self, rows: list[dict[str, Any]], query: Mapping[str, str], most: int) -> Answer:
        limit, start = int(query["limit"]), int(query.get("after", 0))
        assert limit <= most
        body: dict[str, Any] = {"results": rows[start : start + limit]}
        if start + limit < len(rows):
            body["paging"] = {"next": {"after": str(start + limit)}}
        return 200, body, {}


def _passes(record: FakeRecord, test: Mapping[str, str]) -> bool:
    is_id = test["propertyName"] == "hs_object_id"
    value = int(record.id) if is_id else round(record.updated_at.timestamp() * 1000)
    wanted = int(test["value"])
    return {"GTE": value >= wanted, "GT": value > wanted, "LT": value < wanted}[test["operator"]]


def _response(
    request: requests.PreparedRequest, status: int, body: Any, headers: Mapping[str, str]
) -> requests.Response:
    response = requests.Response()
    response.status_code, response.request, response.url = status, request, request.url or ""
    response.headers.update(headers)
    response.raw = io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
    return response


def _http_date(at: datetime) -> str:
    return at.strftime("%a, %d %b %Y %H:%M:%S GMT")


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now, self.slept = 1000.0, 0.0
        self._lock = threading.Lock()

    def clock(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        with self._lock:
            self.now += seconds
            self.slept += seconds


def connect(
    account: FakeAccount | None,
    time: FakeTime | None = None,
    secrets: Mapping[str, str] | None = None,
    **settings: Any,
) -> HubspotConnector:
    """A connector that waits in fake time, for the account in memory or (None) for the address in the settings."""
    time = time or FakeTime()
    source = HubspotSource.from_settings({"type": "hubspot", **settings})
    known = HubspotSecrets.from_secrets(secrets or {"access_token": TOKEN})
    limiter = Limiter(source.rate_limit, clock=time.clock, pause=time.pause)
    return HubspotConnector("hs", source, Transport(source, known, pause=time.pause, limiter=limiter, adapter=account))


def rows_of(pages: list[Page], stream: str, kind: str = "upsert") -> list[dict[str, Any]]:
    return [
        msgspec.json.decode(line)
        for page in pages
        if page.stream == stream and page.kind == kind
        for line in b"".join(page.body).splitlines()
    ]


def read_all(
    connector: HubspotConnector,
    stream: str,
    since: datetime | None = None,
    until: datetime = NOW,
    bookmark: Checkpoint | None = None,
) -> list[Page]:
    """All pages, begun anew with another schema where something beside the records is refused."""
    while True:
        schema: StreamSchema = connector.schema(stream)
        try:
            return list(connector.read(schema, Window(since, until, bookmark), None))
        except SchemaChanged:
            assert connector.schema(stream) != schema
