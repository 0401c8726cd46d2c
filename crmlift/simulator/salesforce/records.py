"""Rows as REST and Bulk 1 write them in JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any

from crmlift.simulator.company import SimField
from crmlift.simulator.salesforce.soql_fields import ResolvedField, Tables, find_table, relationship_name
from crmlift.simulator.served import Row, ServedTable

Format = Callable[[Any], Any]
_FLOATS = frozenset({"currency", "double", "percent"})


def rest_instant(value: datetime) -> str:
    """`2024-01-01T00:00:00.000+0000`."""
    return value.isoformat("T", "milliseconds")[:23] + "+0000"


def epoch_ms(value: datetime) -> int:
    """Milliseconds since 1970, as Bulk 1 writes instants in JSON."""
    return round(value.timestamp() * 1000)


def rest_value(value: Any) -> Any:
    """A value of unknown type as REST JSON has it."""
    if isinstance(value, datetime):
        return rest_instant(value)
    return value.isoformat() if isinstance(value, date) else value


def json_format(field: SimField, instant: Callable[[datetime], Any] = rest_instant) -> Format | None:
    """How a field's values become JSON; None: as they are."""
    if field.type == "datetime":
        return lambda v: None if v is None else instant(v)
    if field.type == "date":
        return lambda v: None if v is None else v.isoformat()
    if field.type in _FLOATS:
        return lambda v: None if v is None else float(v)
    return None


class RecordEncoder:
    """Makes REST records of one query: attributes, plain fields and nested records of relationships."""

    def __init__(
        self,
        tables: Tables,
        table: ServedTable,
        columns: Sequence[ResolvedField],
        version: str,
        instant: Callable[[datetime], Any] = rest_instant,
    ) -> None:
        self.name, self.version = table.name, version
        self.url = f"/services/data/{version}/sobjects/{table.name}/"
        self.plain: list[tuple[str, Format | None]] = []
        nested: dict[str, list[ResolvedField]] = {}
        for column in columns:
            if column.relationships:
                head = column.relationships[0]
                nested.setdefault(head, []).append(_below(column))
            else:
                self.plain.append((column.field.name, json_format(column.field, instant)))
        self.nested = [(head, *_nested(tables, table, head, below, version, instant)) for head, below in nested.items()]

    def encode(self, row: Row) -> dict[str, Any]:
        """The JSON-able record."""
        record_id = row.get("Id")
        attributes = {"type": self.name}
        if record_id is not None:
            attributes["url"] = f"{self.url}{record_id}"
        record: dict[str, Any] = {"attributes": attributes}
        get = row.get
        for name, form in self.plain:
            value = get(name)
            record[name] = value if form is None else form(value)
        for head, name, encoders in self.nested:
            record[head] = _parent_record(row.get(name), encoders)
        return record


def _below(column: ResolvedField) -> ResolvedField:
    return ResolvedField(column.relationships[1:], column.field, column.read)


def _nested(
    tables: Tables,
    table: ServedTable,
    head: str,
    columns: Iterable[ResolvedField],
    version: str,
    instant: Callable[[datetime], Any],
) -> tuple[str, list[tuple[ServedTable, RecordEncoder]]]:
    """The reference field, and an encoder for each object it may refer to."""
    reference = next(f for f in table.fields.values() if relationship_name(f) == head)
    targets = [t for t in (find_table(tables, name) for name in reference.reference_to) if t is not None]
    below = list(columns)
    return reference.name, [(t, RecordEncoder(tables, t, below, version, instant)) for t in targets]


def _parent_record(record_id: str | None, encoders: list[tuple[ServedTable, RecordEncoder]]) -> dict[str, Any] | None:
    if record_id is None:
        return None
    for table, encoder in encoders:
        parent = table.find(record_id)
        if parent is not None:
            return encoder.encode(parent)
    return None
