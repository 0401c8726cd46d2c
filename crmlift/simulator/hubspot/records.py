"""Rows as HubSpot writes them: every property a string or null."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

from crmlift.simulator.company import HistoryEntry
from crmlift.simulator.hubspot.object_types import ObjectType
from crmlift.simulator.hubspot.portal import HubSpotPortal
from crmlift.simulator.options import HS_PORTAL_ID
from crmlift.simulator.served import Row, ServedTable

_RESERVED = frozenset({"id", "createdAt", "updatedAt", "archived", "archivedAt"})
_LONGEST_ASSOCIATION_LIST = 100


def instant(value: datetime) -> str:
    """`2024-01-01T00:00:00.000Z`."""
    return value.isoformat("T", "milliseconds")[:23] + "Z"


def property_text(value: Any) -> str | None:
    """A property's value as the string HubSpot returns."""
    if value is None or type(value) is str:
        return value
    return _TEXTS.get(type(value), str)(value)


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


_TEXTS: dict[type, Callable[[Any], str]] = {
    bool: lambda v: "true" if v else "false",
    int: str,
    float: _number,
    datetime: instant,
    date: lambda v: str(v.isoformat()),
}


class RecordEncoder:
    """Makes the records of one request."""

    def __init__(
        self,
        portal: HubSpotPortal,
        kind: ObjectType,
        table: ServedTable,
        properties: Sequence[str] = (),
        history: Sequence[str] = (),
        associations: Sequence[ObjectType] = (),
    ) -> None:
        names = properties or () if properties or history else kind.defaults
        wanted = dict.fromkeys((*names, *history, *kind.always))
        self.names = [name for name in sorted(wanted) if _is_known(table, name)]
        self.portal, self.kind, self.table = portal, kind, table
        self.history = [name for name in history if _is_known(table, name)]
        self.associations = associations
        self.url = f"https://app.hubspot.com/contacts/{HS_PORTAL_ID}/record/{kind.type_id}/"

    def encode(self, row: Row) -> dict[str, Any]:
        """The JSON-able record."""
        get, record_id = row.get, str(row["id"])
        properties: dict[str, str | None] = {}
        for name in self.names:
            value = get(name)
            properties[name] = value if value is None or type(value) is str else property_text(value)
        if properties.get("hs_object_id") is None:
            properties["hs_object_id"] = record_id
        record: dict[str, Any] = {
            "id": record_id,
            "properties": properties,
            "createdAt": _stamp(row.get("createdAt")),
            "updatedAt": _stamp(row.get("updatedAt")),
            "archived": bool(row.get("archived")),
        }
        if row.get("archived"):
            record["archivedAt"] = _stamp(row.get("archivedAt") or row.get("updatedAt"))
        if self.history:
            record["propertiesWithHistory"] = {name: self._history(row, name) for name in self.history}
        if self.associations:
            found = {kind.plural: links for kind in self.associations if (links := self._links(record_id, kind))}
            if found:
                record["associations"] = found
        record["url"] = self.url + record_id
        return record

    def _history(self, row: Row, name: str) -> list[dict[str, Any]]:
        entries = self.table.table.history.get(str(row["id"]), {}).get(name)
        if entries is None:
            value = property_text(row.get(name))
            created = row.get("createdAt")
            if value is None or not isinstance(created, datetime):
                return []
            entries = [HistoryEntry(value, created)]
        return [_history_entry(entry) for entry in reversed(entries)]

    def _links(self, record_id: str, to_type: ObjectType) -> dict[str, Any] | None:
        found = self.portal.links(self.kind, to_type).get(record_id)
        if not found:
            return None
        name = f"{self.kind.singular}_to_{to_type.singular}"
        shown = [
            {"id": to_id, "type": name if type_name is None else f"{name}_{type_name}"}
            for to_id, kinds in found.items()
            for type_name in dict.fromkeys(_type_name(label) for _, _, label in kinds)
        ]
        out: dict[str, Any] = {"results": shown[:_LONGEST_ASSOCIATION_LIST]}
        if len(shown) > _LONGEST_ASSOCIATION_LIST:
            out["paging"] = {"next": {"after": shown[_LONGEST_ASSOCIATION_LIST]["id"]}}
        return out


def _type_name(label: str | None) -> str | None:
    return None if label is None or label.lower() == "primary" else label.lower().replace(" ", "_")


def _history_entry(entry: HistoryEntry) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "value": entry.value,
        "timestamp": instant(entry.at),
        "sourceType": entry.source_type,
    }
    if entry.user_id is not None:
        shown |= {"sourceId": f"userId:{entry.user_id}", "updatedByUserId": _integer(entry.user_id)}
    return shown


def _integer(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def _stamp(value: Any) -> str | None:
    return instant(value) if isinstance(value, datetime) else value


def _is_known(table: ServedTable, name: str) -> bool:
    """Asking for a property the object has not is no error: it is just not returned."""
    return name == "hs_object_id" or (name.lower() in table.fields and name not in _RESERVED)
