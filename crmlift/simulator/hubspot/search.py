"""CRM search: at most 200 a page and 10,000 results, over an index that may lag behind."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from crmlift.simulator.hubspot.errors import HubSpotError, validation
from crmlift.simulator.hubspot.object_types import ObjectType
from crmlift.simulator.hubspot.objects import object_body
from crmlift.simulator.hubspot.portal import HubSpotPortal, portal_of, type_of
from crmlift.simulator.hubspot.records import RecordEncoder, property_text
from crmlift.simulator.hubspot.search_filters import compile_groups, reader
from crmlift.simulator.responses import encode, json_response
from crmlift.simulator.served import Row, ServedTable

_DEFAULT_LIMIT, _MOST_A_PAGE, _MOST_RESULTS = 10, 200, 10_000
_LONGEST_QUERY = 3_000


async def search(request: Request) -> Response:
    """POST /crm/v3/objects/{type}/search."""
    portal, kind = portal_of(request), type_of(request)
    table, body = portal.records(kind), await object_body(request)
    if body.get("propertiesWithHistory"):
        raise validation("Invalid input JSON: unknown property propertiesWithHistory")
    limit = _number(body.get("limit"), "limit", _DEFAULT_LIMIT)
    after = _number(body.get("after"), "after", 0)
    if not 0 < limit <= _MOST_A_PAGE:
        raise validation(f"limit must be between 1 and {_MOST_A_PAGE}")
    if after + limit > _MOST_RESULTS:
        raise HubSpotError(400, "There was a problem with the request.", "VALIDATION_ERROR")
    rows = _found(portal, kind, table, body)
    encoder = RecordEncoder(portal, kind, table, tuple(body.get("properties") or ()))
    end = after + limit
    answer: dict[str, Any] = {
        "total": len(rows),
        "results": [encoder.encode(row) for row in rows[after:end]],
    }
    if end < len(rows):
        answer["paging"] = {"next": {"after": str(end)}}
    return json_response(answer)


def _found(portal: HubSpotPortal, kind: ObjectType, table: ServedTable, body: dict[str, Any]) -> list[Row]:
    """All matching rows in order; kept for the following pages of the same search."""
    table.refresh()
    criteria = encode([body.get(part) for part in ("filterGroups", "filters", "sorts", "query")])
    is_lagging = bool(portal.options.search_lag_s)
    key = (portal.served.generation, kind.plural, table.version, len(table.rows), criteria)
    kept = portal.searches.get(key)
    if kept is not None and not is_lagging and _number(body.get("after"), "after", 0):
        return kept
    groups = body.get("filterGroups") or ([{"filters": body["filters"]}] if body.get("filters") else [])
    holds = compile_groups(table, groups)
    rows = [row for row in table.ordered()[0] if not row.get("archived")]
    if is_lagging:
        rows = _indexed(portal, rows)
    if holds is not None:
        rows = [row for row in rows if holds(row)]
    rows = _sorted(table, _with_words(kind, rows, str(body.get("query") or "")), body.get("sorts") or [])
    portal.keep_search(key, rows)
    return rows


def _indexed(portal: HubSpotPortal, rows: list[Row]) -> list[Row]:
    """Rows whose last change the index has seen."""
    clock = portal.served.clock
    seen = clock.as_of + clock.elapsed() - timedelta(seconds=portal.options.search_lag_s)
    return [row for row in rows if row.get("updatedAt") is None or row["updatedAt"] <= seen]


def _with_words(kind: ObjectType, rows: list[Row], query: str) -> list[Row]:
    if len(query) > _LONGEST_QUERY:
        raise validation(f"query must be at most {_LONGEST_QUERY} characters")
    words = query.lower().split()
    if not words:
        return rows
    names = [name for name in kind.defaults if name not in kind.always]

    def matches(row: Row) -> bool:
        text = " ".join(property_text(row.get(name)) or "" for name in names).lower()
        return all(word in text for word in words)

    return [row for row in rows if matches(row)]


def _sorted(table: ServedTable, rows: list[Row], sorts: list[Any]) -> list[Row]:
    if len(sorts) > 1:
        raise validation("Too many sorts: at most 1 is allowed")
    if not sorts:
        return rows
    sort = {"propertyName": sorts[0]} if isinstance(sorts[0], str) else sorts[0]
    name, is_descending = str(sort.get("propertyName", "")), sort.get("direction") == "DESCENDING"
    if name == "hs_object_id":
        return rows[::-1] if is_descending else rows  # rows come in the order of ids
    read, _ = reader(table, name)
    known = [row for row in rows if read(row) is not None]
    known.sort(key=read, reverse=is_descending)
    return known + [row for row in rows if read(row) is None]


def _number(value: Any, name: str, default: int) -> int:
    if value is None or value == "":
        return default
    if not str(value).isdigit():
        raise validation(f"Invalid input JSON: {name} must be a number")
    return int(value)
